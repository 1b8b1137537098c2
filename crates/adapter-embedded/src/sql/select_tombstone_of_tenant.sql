SELECT job_id
FROM tombstones
WHERE job_id = :job_id AND tenant = :tenant
