SELECT job_id, step, input_sha256, pipeline_version, corpus_generation, output
FROM steps
WHERE job_id = ANY ($1) AND output IS NOT NULL
ORDER BY job_id, ordinal
