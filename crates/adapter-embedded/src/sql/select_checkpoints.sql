SELECT step, input_sha256, pipeline_version, corpus_generation, output
FROM steps
WHERE job_id = :job_id AND output IS NOT NULL
ORDER BY ordinal
