UPDATE attempts AS a SET
    finished_at = n.finished_at,
    outcome = n.outcome,
    requeue_reason = n.requeue_reason,
    error = n.error
FROM unnest(
    $1::uuid[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::text[]
) AS n (job_id, n, finished_at, outcome, requeue_reason, error)
WHERE a.job_id = n.job_id AND a.job_id = ANY ($1) AND a.n = n.n AND a.finished_at IS NULL
