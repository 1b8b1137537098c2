SELECT job_id, version, kind, time, attempt, data
FROM events
WHERE job_id = ANY ($1)
ORDER BY job_id, version
