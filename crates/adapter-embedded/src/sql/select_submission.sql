SELECT submission
FROM job_inputs
WHERE job_id = :job_id
