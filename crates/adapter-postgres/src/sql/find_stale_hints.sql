SELECT id
FROM jobs
WHERE hinted_at <= (SELECT assay_now()) - $1::bigint * interval '1 millisecond'
    AND overdue_at > (SELECT assay_now())
ORDER BY hinted_at, id
LIMIT $2
