INSERT INTO attempts (job_id, n, started_at, spent_before)
VALUES (:job_id, :n, :started_at, :spent_before)
