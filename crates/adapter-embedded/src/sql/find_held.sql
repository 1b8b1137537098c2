SELECT id
FROM jobs
WHERE worker = :worker AND state IN ('running', 'cancelling')
LIMIT :limit
