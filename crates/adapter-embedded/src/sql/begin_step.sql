-- A step that begins again is not done any more, and its checkpoint is void.
INSERT INTO steps (job_id, step, ordinal, kind, state, attempt, started_at)
VALUES (
    :job_id, :step,
    (SELECT coalesce(max(ordinal), 0) + 1 FROM steps WHERE job_id = :job_id),
    :kind, 'running', :attempt, :time)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = NULL,
    input_sha256 = NULL,
    pipeline_version = NULL,
    corpus_generation = NULL,
    output = NULL
