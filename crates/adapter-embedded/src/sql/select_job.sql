SELECT
    id, tenant, traceparent, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, max_attempts, crash_count, priority, created_at,
    started_at, deadline_at, queue_deadline_at, pipeline_version, output_chars, queued_ms,
    running_ms, backoff_ms, last_event_at, model_calls, tool_calls, input_tokens,
    output_tokens, cost_usd
FROM jobs
WHERE id = :id
