INSERT INTO steps (
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, output)
SELECT
    n.job_id, n.step, n.ordinal, n.kind, n.state, n.attempt, n.started_at, n.finished_at,
    n.input_sha256, n.pipeline_version, n.corpus_generation, n.output
FROM unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::integer[],
    $7::timestamptz[], $8::timestamptz[], $9::bytea[], $10::integer[], $11::bigint[],
    $12::text[]
) AS n (
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, output)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    input_sha256 = excluded.input_sha256,
    pipeline_version = excluded.pipeline_version,
    corpus_generation = excluded.corpus_generation,
    output = excluded.output
