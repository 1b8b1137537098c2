SELECT job_id
FROM tombstones
WHERE tenant = :tenant AND key = :key
