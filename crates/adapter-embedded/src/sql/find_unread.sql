-- The tenant with the fewest documents in hand is next, with its oldest document.
SELECT first.id, documents.epoch, documents.started_at, documents.media_type, documents.traceparent
FROM (
    SELECT tenant, min(id) AS id
    FROM documents
    WHERE state = 'pending' AND lease_until IS NULL
    GROUP BY tenant
) AS first
JOIN documents ON documents.id = first.id
ORDER BY (
    SELECT count(*)
    FROM documents AS held
    WHERE held.tenant = first.tenant AND held.lease_until IS NOT NULL
), first.id
LIMIT 1
