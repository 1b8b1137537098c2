SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE lease_until IS NOT NULL
