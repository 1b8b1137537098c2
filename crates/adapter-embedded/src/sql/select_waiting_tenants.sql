-- One index probe a tenant, however many jobs each has. A job on its way to a worker counts like
-- a running one.
WITH RECURSIVE waiting (tenant) AS (
    SELECT min(tenant)
    FROM jobs
    WHERE hinted_at IS NULL AND state IN ('queued', 'retrying')
    UNION ALL
    SELECT (
        SELECT min(j.tenant)
        FROM jobs AS j
        WHERE j.hinted_at IS NULL AND j.state IN ('queued', 'retrying')
            AND j.tenant > waiting.tenant)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
busy (tenant, jobs) AS (
    SELECT tenant, count(*)
    FROM (
        SELECT tenant FROM jobs WHERE state IN ('running', 'cancelling')
        UNION ALL
        SELECT tenant FROM jobs WHERE hinted_at IS NOT NULL)
    GROUP BY tenant
)
SELECT waiting.tenant AS tenant, coalesce(busy.jobs, 0) AS busy
FROM waiting
LEFT JOIN busy ON busy.tenant = waiting.tenant
WHERE waiting.tenant IS NOT NULL
