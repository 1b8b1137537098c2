SELECT job_id, version, kind, time, attempt, data
FROM events
WHERE job_id = $1 AND version > $2
ORDER BY version
LIMIT $3
