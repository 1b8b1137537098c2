-- What each submission's id and key belong to, now that its key is taken or known.
SELECT
    n.id,
    j.tenant AS tenant_of_id,
    k.job_id AS job_of_key,
    k.fingerprint,
    (EXISTS (SELECT 1 FROM tombstones AS t WHERE t.job_id = n.id)) AS is_id_gone,
    (EXISTS (SELECT 1 FROM tombstones AS t WHERE t.tenant = n.tenant AND t.key = n.key))
        AS is_key_gone
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, tenant, key)
LEFT JOIN jobs AS j ON j.id = n.id
LEFT JOIN idempotency AS k ON k.tenant = n.tenant AND k.key = n.key
