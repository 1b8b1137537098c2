SELECT job_id
FROM tombstones
WHERE job_id = $1 AND tenant = $2
