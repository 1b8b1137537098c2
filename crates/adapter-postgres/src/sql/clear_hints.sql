-- A job that is being changed right now loses its hint by that, or has its hint sent again later.
WITH free AS (
    SELECT id FROM jobs
    WHERE id = ANY ($1) AND hinted_at IS NOT NULL
    ORDER BY id
    FOR UPDATE SKIP LOCKED)
UPDATE jobs AS j SET hinted_at = NULL, hint_n = greatest(j.hint_n - 1, 0)
FROM free
WHERE j.id = free.id
