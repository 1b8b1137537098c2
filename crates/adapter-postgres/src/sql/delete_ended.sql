-- Everything of a job goes with its row (ON DELETE CASCADE); only that it was there is remembered.
WITH found AS (
    SELECT id, tenant, expires_at IS NOT NULL AS has_ended
    FROM jobs
    WHERE id = $1 AND tenant = $2
    FOR UPDATE
),
remembered AS (
    INSERT INTO tombstones (job_id, tenant, key, forget_at)
    SELECT f.id, f.tenant, k.key, assay_now() + $3::bigint * interval '1 day'
    FROM found AS f
    LEFT JOIN idempotency AS k ON k.job_id = f.id
    WHERE f.has_ended
),
deleted AS (
    DELETE FROM jobs
    USING found
    WHERE jobs.id = found.id AND found.has_ended
)
SELECT has_ended FROM found
