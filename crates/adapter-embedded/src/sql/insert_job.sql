INSERT INTO jobs (
    id, tenant, traceparent, max_attempts, priority, created_at, deadline_at,
    queue_deadline_at, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, crash_count, started_at, overdue_at,
    pipeline_version, output_chars, queued_ms, running_ms, backoff_ms, last_event_at,
    expires_at, model_calls, tool_calls, input_tokens, output_tokens, cost_usd, hinted_at,
    hint_n
) VALUES (
    :id, :tenant, :traceparent, :max_attempts, :priority, :created_at, :deadline_at,
    :queue_deadline_at, :state, :state_since, :epoch, :version, :write_no, :worker, :run_at,
    :cancel_requested_at, :attempt, :failures, :crash_count, :started_at, :overdue_at,
    :pipeline_version, :output_chars, :queued_ms, :running_ms, :backoff_ms, :last_event_at,
    :expires_at, :model_calls, :tool_calls, :input_tokens, :output_tokens, :cost_usd, :hinted_at,
    :hinted_at IS NOT NULL
)
