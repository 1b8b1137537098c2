SELECT version, kind, time, attempt, data
FROM events
WHERE job_id = :job_id
ORDER BY version
