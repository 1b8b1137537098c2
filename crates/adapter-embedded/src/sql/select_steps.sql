SELECT step, kind, state, attempt, started_at, finished_at
FROM steps
WHERE job_id = :job_id
ORDER BY ordinal
