SELECT job_id, n, started_at, finished_at, outcome, requeue_reason, error, spent_before
FROM attempts
WHERE job_id = ANY ($1)
ORDER BY job_id, n
