-- Those whose lease passed, and those whose time is over.
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE lease_until IS NOT NULL AND lease_until <= :now
UNION
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE state = 'pending' AND started_at IS NOT NULL AND started_at <= :begun_until
LIMIT :limit
