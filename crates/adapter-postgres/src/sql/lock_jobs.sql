-- In the order of ids, so that two batches never wait for each other.
SELECT
    id, tenant, traceparent, max_attempts, priority, created_at, deadline_at,
    queue_deadline_at, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, crash_count, started_at, overdue_at,
    pipeline_version, output_chars, queued_ms, running_ms, backoff_ms, last_event_at,
    expires_at, model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted
FROM jobs
WHERE id = ANY ($1)
ORDER BY id
FOR UPDATE
