SELECT
    j.id, j.tenant, j.traceparent, j.state, j.state_since, j.epoch, j.version, j.write_no,
    j.worker, j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.max_attempts,
    j.crash_count, j.priority, j.created_at, j.started_at, j.deadline_at, j.queue_deadline_at,
    j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.model_calls, j.tool_calls, j.input_tokens, j.output_tokens, j.cost_usd,
    EXISTS (SELECT 1 FROM job_inputs AS i WHERE i.job_id = j.id) AS has_request,
    EXISTS (SELECT 1 FROM tombstones AS t WHERE t.job_id = j.id) AS has_tombstone,
    r.result, r.error
FROM jobs AS j
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = :id
