-- Who finds a key that a transaction under way has taken waits for its outcome. What belongs to a
-- job that is known, or was, takes no key. Each is looked up by itself (LIMIT 1): a plan that was
-- made while the tables were small must not read them whole later.
INSERT INTO idempotency (tenant, key, fingerprint, job_id)
SELECT n.tenant, n.key, n.fingerprint, n.job_id
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])
    AS n (tenant, key, fingerprint, job_id)
WHERE (SELECT j.id FROM jobs AS j WHERE j.id = n.job_id LIMIT 1) IS NULL
    AND (SELECT t.job_id FROM tombstones AS t WHERE t.job_id = n.job_id LIMIT 1) IS NULL
    AND (SELECT t.job_id FROM tombstones AS t
        WHERE t.tenant = n.tenant AND t.key = n.key LIMIT 1) IS NULL
ORDER BY n.tenant, n.key
ON CONFLICT (tenant, key) DO NOTHING
