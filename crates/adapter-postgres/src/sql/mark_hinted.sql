WITH free AS (
    SELECT id FROM jobs
    WHERE id = ANY ($1) AND admitted
    ORDER BY id
    FOR UPDATE SKIP LOCKED)
UPDATE jobs AS j SET hinted_at = assay_now(), hint_n = j.hint_n + 1
FROM free
WHERE j.id = free.id
RETURNING j.id
