SELECT tenant, traceparent, version, state
FROM jobs
WHERE id = :id
