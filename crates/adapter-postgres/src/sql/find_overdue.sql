SELECT id, epoch
FROM jobs
WHERE overdue_at <= (SELECT assay_now())
    AND state IN ('queued', 'running', 'retrying', 'cancelling')
ORDER BY overdue_at
LIMIT $1
