-- Jobs with a hint under way go first, in the order of their hints; then the others in the order of
-- a refill. Both are cut at the limit before anything is counted: how long a queue is changes
-- nothing. A job behind that has no row.
WITH hinted AS (
    SELECT
        id,
        row_number() OVER (ORDER BY hinted_at, is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, tenant, hinted_at, (attempt = 0) AS is_new, priority, deadline_at
        FROM jobs
        WHERE hinted_at IS NOT NULL
        ORDER BY hinted_at
        LIMIT $3) AS first_hinted
    WHERE tenant = $1
),
unhinted AS (
    SELECT id, row_number() OVER (ORDER BY is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, (attempt = 0) AS is_new, priority, deadline_at
        FROM jobs
        WHERE admitted AND hinted_at IS NULL AND tenant = $1
        ORDER BY (attempt = 0), priority DESC, deadline_at, id
        LIMIT $3) AS first_unhinted
)
SELECT position
FROM (
    SELECT id, position FROM hinted
    UNION ALL
    SELECT id, (SELECT count(*) FROM hinted) + position FROM unhinted) AS queue
WHERE id = $2 AND position <= $3
LIMIT 1
