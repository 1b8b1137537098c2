SELECT version, kind, time, attempt, data
FROM events
WHERE job_id = :job_id AND version > :after
ORDER BY version
LIMIT :limit
