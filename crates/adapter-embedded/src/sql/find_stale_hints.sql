SELECT id
FROM jobs
WHERE hinted_at <= :hinted_until AND overdue_at > :now
ORDER BY hinted_at, id
LIMIT :limit
