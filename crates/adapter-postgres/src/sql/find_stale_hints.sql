-- Each time that a job's hint was taken in vain doubles the wait, from $1 up to $2. The first line
-- is what the index can tell.
SELECT id
FROM jobs
WHERE hinted_at <= (SELECT assay_now()) - $1::bigint * interval '1 millisecond'
    AND hinted_at <= (SELECT assay_now())
        - least($1::bigint << least(greatest(hint_n - 1, 0), 20), $2::bigint)
            * interval '1 millisecond'
    AND overdue_at > (SELECT assay_now())
ORDER BY hinted_at, id
LIMIT $3
