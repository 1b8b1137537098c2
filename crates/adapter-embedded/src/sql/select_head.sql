SELECT tenant, traceparent, version, state, overdue_at
FROM jobs
WHERE id = :id
