-- At one time for all: what tells their order is then the order that they were chosen in.
WITH free AS (
    SELECT id FROM jobs
    WHERE id = ANY ($1) AND admitted
    ORDER BY id
    FOR UPDATE SKIP LOCKED)
UPDATE jobs AS j SET hinted_at = (SELECT assay_now()), hint_n = j.hint_n + 1
FROM free
WHERE j.id = free.id
RETURNING j.id, j.traceparent
