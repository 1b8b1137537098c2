SELECT job_id, submission
FROM job_inputs
WHERE job_id = ANY ($1)
