-- Those whose lease passed, and those whose time is over.
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE state = 'pending' AND id = ANY (ARRAY (
    SELECT id FROM documents
    WHERE lease_until <= (SELECT assay_now())
    UNION
    SELECT id FROM documents
    WHERE state = 'pending'
        AND started_at <= (SELECT assay_now()) - $1::bigint * interval '1 millisecond'
    LIMIT $2))
ORDER BY id
FOR UPDATE SKIP LOCKED
