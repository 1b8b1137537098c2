-- The tenant with the fewest documents in hand is next, with its oldest document. Of each tenant
-- the first few are looked at, because others may be claiming those before.
WITH RECURSIVE here AS (
    SELECT assay_now() AS now
),
waiting (tenant) AS (
    (SELECT tenant FROM documents WHERE state = 'pending' AND lease_until IS NULL
        ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT d.tenant FROM documents AS d
        WHERE d.state = 'pending' AND d.lease_until IS NULL AND d.tenant > waiting.tenant
        ORDER BY d.tenant LIMIT 1)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
held (tenant, documents) AS (
    SELECT tenant, count(*) FROM documents WHERE lease_until IS NOT NULL GROUP BY tenant
),
candidates AS (
    SELECT c.id, coalesce(held.documents, 0) AS in_hand
    FROM waiting
    LEFT JOIN held ON held.tenant = waiting.tenant
    CROSS JOIN LATERAL (
        SELECT id FROM documents
        WHERE state = 'pending' AND lease_until IS NULL AND tenant = waiting.tenant
        ORDER BY id
        LIMIT 16) AS c
),
next AS (
    SELECT d.id
    FROM candidates
    JOIN documents AS d ON d.id = candidates.id
    WHERE d.state = 'pending' AND d.lease_until IS NULL
    ORDER BY candidates.in_hand, d.id
    LIMIT 1
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE documents AS d SET
    epoch = d.epoch + 1,
    started_at = coalesce(d.started_at, here.now),
    lease_until = here.now + $1::bigint * interval '1 millisecond'
FROM here, next
JOIN document_files AS f ON f.document_id = next.id
WHERE d.id = next.id
RETURNING d.id, d.epoch, d.started_at, d.media_type, d.traceparent, f.content, here.now
