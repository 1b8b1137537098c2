SELECT id, epoch
FROM jobs
WHERE cancel_requested_at <= (SELECT assay_now()) - $2::bigint * interval '1 millisecond'
ORDER BY cancel_requested_at
LIMIT $1
