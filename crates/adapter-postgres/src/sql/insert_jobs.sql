INSERT INTO jobs (
    id, state, state_since, epoch, version, write_no, worker, run_at, cancel_requested_at,
    attempt, failures, crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at, model_calls, tool_calls,
    input_tokens, output_tokens, cost_usd, admitted,
    tenant, traceparent, max_attempts, priority, created_at, deadline_at, queue_deadline_at,
    hinted_at, hint_n)
SELECT
    n.id, n.state, n.state_since, n.epoch, n.version, n.write_no, n.worker, n.run_at,
    n.cancel_requested_at, n.attempt, n.failures, n.crash_count, n.started_at, n.overdue_at,
    n.pipeline_version, n.output_chars, n.queued_ms, n.running_ms, n.backoff_ms, n.last_event_at,
    n.expires_at, n.model_calls, n.tool_calls, n.input_tokens, n.output_tokens, n.cost_usd,
    n.admitted, n.tenant, n.traceparent, n.max_attempts, n.priority, n.created_at, n.deadline_at,
    n.queue_deadline_at, n.hinted_at, (n.hinted_at IS NOT NULL)::integer
FROM unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[],
    $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::integer[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::timestamptz[],
    $22::integer[], $23::integer[], $24::bigint[], $25::bigint[], $26::float8[], $27::boolean[],
    $28::text[], $29::text[], $30::integer[], $31::integer[], $32::timestamptz[],
    $33::timestamptz[], $34::timestamptz[], $35::timestamptz[]
) AS n (
    id, state, state_since, epoch, version, write_no,
    worker, run_at, cancel_requested_at, attempt, failures,
    crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at,
    model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted,
    tenant, traceparent, max_attempts, priority, created_at,
    deadline_at, queue_deadline_at, hinted_at)
ORDER BY n.id
