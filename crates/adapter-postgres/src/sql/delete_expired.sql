-- Everything of a job goes with its row (ON DELETE CASCADE); only that it was there is remembered.
WITH expired AS (
    SELECT id, tenant
    FROM jobs
    WHERE expires_at <= (SELECT assay_now())
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
remembered AS (
    INSERT INTO tombstones (job_id, tenant, key, forget_at)
    SELECT e.id, e.tenant, k.key, assay_now() + $2::bigint * interval '1 day'
    FROM expired AS e
    LEFT JOIN idempotency AS k ON k.job_id = e.id
)
DELETE FROM jobs
USING expired
WHERE jobs.id = expired.id
RETURNING jobs.id
