INSERT INTO tombstones (job_id, tenant, key, forget_at)
SELECT j.id, j.tenant, k.key, :forget_at
FROM jobs AS j
LEFT JOIN idempotency AS k ON k.job_id = j.id
WHERE j.id = :id
