SELECT job_id, tenant
FROM idempotency
WHERE job_id = ANY ($1)
