INSERT INTO events (job_id, version, kind, time, attempt, data)
VALUES (:job_id, :version, :kind, :time, :attempt, :data)
