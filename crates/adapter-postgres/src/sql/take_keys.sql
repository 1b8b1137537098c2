-- Who finds a key that a transaction under way has taken waits for its outcome. What belongs to a
-- job that is known, or was, takes no key.
INSERT INTO idempotency (tenant, key, fingerprint, job_id)
SELECT n.tenant, n.key, n.fingerprint, n.job_id
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])
    AS n (tenant, key, fingerprint, job_id)
WHERE NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.id = n.job_id)
    AND NOT EXISTS (
        SELECT 1 FROM tombstones AS t
        WHERE t.job_id = n.job_id OR (t.tenant = n.tenant AND t.key = n.key))
ORDER BY n.tenant, n.key
ON CONFLICT (tenant, key) DO NOTHING
