-- What each submission's id and key belong to, now that its key is taken or known. Each is looked
-- up by itself, as in take_keys.
SELECT
    n.id,
    j.tenant AS tenant_of_id,
    k.job_id AS job_of_key,
    k.fingerprint,
    (SELECT t.job_id FROM tombstones AS t WHERE t.job_id = n.id LIMIT 1) IS NOT NULL
        AS is_id_gone,
    (SELECT t.job_id FROM tombstones AS t
        WHERE t.tenant = n.tenant AND t.key = n.key LIMIT 1) IS NOT NULL
        AS is_key_gone
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, tenant, key)
LEFT JOIN LATERAL (SELECT tenant FROM jobs WHERE jobs.id = n.id LIMIT 1) AS j ON true
LEFT JOIN LATERAL (
    SELECT job_id, fingerprint FROM idempotency AS i
    WHERE i.tenant = n.tenant AND i.key = n.key LIMIT 1) AS k ON true
