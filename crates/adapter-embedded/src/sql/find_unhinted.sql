SELECT id
FROM jobs
WHERE hinted_at IS NULL AND state IN ('queued', 'retrying')
    AND tenant = :tenant
    AND overdue_at > :now
    AND (run_at IS NULL OR run_at <= :now)
ORDER BY (attempt = 0), priority DESC, deadline_at, id
LIMIT :limit
