INSERT INTO events (job_id, version, kind, time, attempt, data)
SELECT n.job_id, n.version, n.kind, n.time, n.attempt, n.data
FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[]
) AS n (job_id, version, kind, time, attempt, data)
