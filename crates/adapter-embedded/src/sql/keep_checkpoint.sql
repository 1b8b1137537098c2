UPDATE steps SET
    input_sha256 = :input_sha256,
    pipeline_version = :pipeline_version,
    corpus_generation = :corpus_generation,
    output = :output
WHERE job_id = :job_id AND step = :step AND state IN ('completed', 'skipped')
