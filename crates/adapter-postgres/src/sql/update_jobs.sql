-- Whatever is recorded of a job either takes it out of the queue or happens outside of it: no hint
-- is under way for it any more. The ids are asked for twice, so that however the rows are matched,
-- no others are read.
UPDATE jobs AS j SET
    state = n.state,
    state_since = n.state_since,
    epoch = n.epoch,
    version = n.version,
    write_no = n.write_no,
    worker = n.worker,
    run_at = n.run_at,
    cancel_requested_at = n.cancel_requested_at,
    attempt = n.attempt,
    failures = n.failures,
    crash_count = n.crash_count,
    started_at = n.started_at,
    overdue_at = n.overdue_at,
    pipeline_version = n.pipeline_version,
    output_chars = n.output_chars,
    queued_ms = n.queued_ms,
    running_ms = n.running_ms,
    backoff_ms = n.backoff_ms,
    last_event_at = n.last_event_at,
    expires_at = n.expires_at,
    model_calls = n.model_calls,
    tool_calls = n.tool_calls,
    input_tokens = n.input_tokens,
    output_tokens = n.output_tokens,
    cost_usd = n.cost_usd,
    admitted = n.admitted,
    hinted_at = NULL,
    hint_n = 0
FROM unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[],
    $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::integer[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::timestamptz[],
    $22::integer[], $23::integer[], $24::bigint[], $25::bigint[], $26::float8[], $27::boolean[],
    $28::bigint[], $29::bigint[], $30::bigint[]
) AS n (
    id, state, state_since, epoch, version, write_no,
    worker, run_at, cancel_requested_at, attempt, failures,
    crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at,
    model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted,
    read_version, read_epoch, read_write_no)
WHERE j.id = n.id AND j.id = ANY ($1)
    AND j.version = n.read_version
    AND j.epoch = n.read_epoch
    AND j.write_no = n.read_write_no
RETURNING j.id
