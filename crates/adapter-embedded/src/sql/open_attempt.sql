INSERT INTO attempts (job_id, n, started_at)
VALUES (:job_id, :n, :started_at)
