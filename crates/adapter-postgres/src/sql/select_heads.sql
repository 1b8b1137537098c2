SELECT id, tenant, traceparent, version, state, overdue_at <= assay_now() AS is_late
FROM jobs
WHERE id = ANY ($1)
