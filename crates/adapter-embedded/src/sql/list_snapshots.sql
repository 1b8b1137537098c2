SELECT
    j.id, j.tenant, j.traceparent, j.state, j.state_since, j.epoch, j.version, j.write_no,
    j.worker, j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.max_attempts,
    j.crash_count, j.priority, j.created_at, j.started_at, j.deadline_at, j.queue_deadline_at,
    j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.model_calls, j.tool_calls, j.input_tokens, j.output_tokens, j.cost_usd,
    i.submission, i.retry_of, r.result, r.error
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.tenant = :tenant
    AND (j.created_at, j.id) < (:before_created_at, :before_id)
    AND j.created_at >= :created_after
    AND j.created_at < :created_before
    AND (:state IS NULL OR j.state = :state)
    AND (:company_name IS NULL OR i.company_name = :company_name)
    AND (:key IS NULL OR j.id = (
        SELECT k.job_id FROM idempotency AS k WHERE k.tenant = :tenant AND k.key = :key))
    -- No label that is wanted is missing.
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:labels) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM json_each(i.submission, '$.labels') AS label
            WHERE label.key = wanted.key AND label.value = wanted.value))
ORDER BY j.created_at DESC, j.id DESC
LIMIT :limit
