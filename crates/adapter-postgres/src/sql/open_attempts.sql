INSERT INTO attempts (job_id, n, started_at, spent_before)
SELECT n.job_id, n.n, n.started_at, n.spent_before
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::text[])
    AS n (job_id, n, started_at, spent_before)
