SELECT
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, NULL::text AS output
FROM steps
WHERE job_id = ANY ($1)
ORDER BY job_id, ordinal
