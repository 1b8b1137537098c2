SELECT tenant
FROM idempotency
WHERE job_id = :job_id
