SELECT id
FROM jobs
WHERE overdue_at <= :now AND state IN ('queued', 'running', 'retrying', 'cancelling')
ORDER BY overdue_at
LIMIT :limit
