UPDATE jobs SET admitted = true
WHERE id = ANY (ARRAY (
    SELECT id FROM jobs
    WHERE state = 'retrying' AND NOT admitted AND run_at <= (SELECT assay_now())
    ORDER BY run_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED))
