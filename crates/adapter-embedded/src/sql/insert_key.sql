INSERT INTO idempotency (tenant, key, fingerprint, job_id)
VALUES (:tenant, :key, :fingerprint, :job_id)
