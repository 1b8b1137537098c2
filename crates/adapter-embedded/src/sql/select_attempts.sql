SELECT n, started_at, finished_at, outcome, requeue_reason, error, spent_before
FROM attempts
WHERE job_id = :job_id
ORDER BY n
