DELETE FROM tombstones
WHERE job_id = ANY (ARRAY (
    SELECT job_id FROM tombstones
    WHERE forget_at <= (SELECT assay_now())
    ORDER BY forget_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED))
RETURNING job_id
