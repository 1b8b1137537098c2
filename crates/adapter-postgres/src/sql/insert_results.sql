INSERT INTO job_results (job_id, result, error)
SELECT n.job_id, n.result, n.error
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (job_id, result, error)
