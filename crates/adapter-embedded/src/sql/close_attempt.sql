UPDATE attempts SET
    finished_at = :finished_at,
    outcome = :outcome,
    requeue_reason = :requeue_reason,
    error = :error
WHERE job_id = :job_id AND n = :n AND finished_at IS NULL
