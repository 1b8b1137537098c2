SELECT id, tenant, traceparent, version, state
FROM jobs
WHERE id = ANY ($1)
