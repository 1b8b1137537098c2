SELECT
    j.id, j.tenant, j.traceparent, j.max_attempts, j.priority, j.created_at, j.deadline_at,
    j.queue_deadline_at, j.state, j.state_since, j.epoch, j.version, j.write_no, j.worker,
    j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.crash_count, j.started_at,
    j.overdue_at, j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.expires_at, j.model_calls, j.tool_calls, j.input_tokens,
    j.output_tokens, j.cost_usd, j.admitted,
    EXISTS (SELECT 1 FROM job_inputs AS i WHERE i.job_id = j.id) AS has_request,
    EXISTS (SELECT 1 FROM tombstones AS t WHERE t.job_id = j.id) AS has_tombstone,
    (SELECT w.heard_at FROM workers AS w WHERE w.incarnation = j.worker) AS holder_heard_at,
    r.result, r.error
FROM jobs AS j
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = ANY ($1)
ORDER BY j.id
