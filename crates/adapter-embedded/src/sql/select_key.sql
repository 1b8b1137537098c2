SELECT job_id, fingerprint
FROM idempotency
WHERE tenant = :tenant AND key = :key
