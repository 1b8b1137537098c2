SELECT id
FROM jobs
WHERE cancel_requested_at <= :requested_until
ORDER BY cancel_requested_at
LIMIT :limit
