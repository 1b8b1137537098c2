INSERT INTO attempts (job_id, n, started_at)
SELECT n.job_id, n.n, n.started_at
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[]) AS n (job_id, n, started_at)
