INSERT INTO job_results (job_id, result, error)
VALUES (:job_id, :result, :error)
