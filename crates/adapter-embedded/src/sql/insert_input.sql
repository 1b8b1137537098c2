INSERT INTO job_inputs (job_id, company_name, submission, retry_of)
VALUES (:job_id, :company_name, :submission, :retry_of)
