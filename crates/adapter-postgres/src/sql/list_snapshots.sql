SELECT
    j.id, j.tenant, j.traceparent, j.max_attempts, j.priority, j.created_at, j.deadline_at,
    j.queue_deadline_at, j.state, j.state_since, j.epoch, j.version, j.write_no, j.worker,
    j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.crash_count, j.started_at,
    j.overdue_at, j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.expires_at, j.model_calls, j.tool_calls, j.input_tokens,
    j.output_tokens, j.cost_usd, j.admitted,
    i.submission, i.retry_of, r.result, r.error,
    (SELECT assay_now()) AS read_at
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.tenant = $1
    AND (j.created_at, j.id) < ($2, $3)
    AND ($4::timestamptz IS NULL OR j.created_at >= $4)
    AND ($5::timestamptz IS NULL OR j.created_at < $5)
    AND ($6::text IS NULL OR j.state = $6)
    AND ($7::text IS NULL OR i.company_name = $7)
    AND ($8::text IS NULL OR j.id = (
        SELECT k.job_id FROM idempotency AS k WHERE k.tenant = $1 AND k.key = $8))
    AND i.labels @> $9
ORDER BY j.created_at DESC, j.id DESC
LIMIT $10
