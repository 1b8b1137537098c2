DELETE FROM tombstones
WHERE job_id IN (
    SELECT job_id FROM tombstones WHERE forget_at <= :now ORDER BY forget_at LIMIT :limit)
