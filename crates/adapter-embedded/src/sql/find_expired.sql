SELECT id
FROM jobs
WHERE expires_at <= :now
ORDER BY expires_at
LIMIT :limit
