-- One index probe a tenant, however many jobs each has. A job on its way to a worker counts like
-- a running one. In the order of turns: least under way first, and among equals behind the tenant
-- that was served last.
WITH RECURSIVE waiting (tenant) AS (
    (SELECT tenant FROM jobs WHERE admitted AND hinted_at IS NULL ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT j.tenant FROM jobs AS j
        WHERE j.admitted AND j.hinted_at IS NULL AND j.tenant > waiting.tenant
        ORDER BY j.tenant LIMIT 1)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
busy (tenant, jobs) AS (
    SELECT tenant, count(*)
    FROM (
        SELECT tenant FROM jobs WHERE state IN ('running', 'cancelling')
        UNION ALL
        SELECT tenant FROM jobs WHERE hinted_at IS NOT NULL) AS under_way
    GROUP BY tenant
)
SELECT waiting.tenant
FROM waiting
LEFT JOIN busy ON busy.tenant = waiting.tenant
CROSS JOIN refills AS r
WHERE waiting.tenant IS NOT NULL
ORDER BY
    coalesce(busy.jobs, 0),
    waiting.tenant COLLATE "C" <= r.last_tenant COLLATE "C",
    waiting.tenant COLLATE "C"
