-- A step may end without having begun: it was skipped, or taken over from another job.
INSERT INTO steps (job_id, step, ordinal, kind, state, attempt, started_at, finished_at)
VALUES (
    :job_id, :step,
    (SELECT coalesce(max(ordinal), 0) + 1 FROM steps WHERE job_id = :job_id),
    :kind, :state, :attempt, :time, :time)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    finished_at = excluded.finished_at,
    input_sha256 = NULL,
    pipeline_version = NULL,
    corpus_generation = NULL,
    output = NULL
