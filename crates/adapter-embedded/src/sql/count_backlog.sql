-- Each count reads a partial index, and never past the limit: the jobs that are kept make it no
-- dearer.
WITH waiting AS (
    SELECT * FROM (
        SELECT state_since, run_at FROM jobs
        WHERE hinted_at IS NULL AND state IN ('queued', 'retrying') LIMIT :limit)
    UNION ALL
    SELECT * FROM (
        SELECT state_since, run_at FROM jobs WHERE hinted_at IS NOT NULL LIMIT :limit)
)
SELECT
    min(count(*) FILTER (WHERE run_at IS NULL OR run_at <= :now), :limit) AS due,
    min(coalesce(run_at, state_since))
        FILTER (WHERE run_at IS NULL OR run_at <= :now) AS due_since,
    (SELECT count(*) FROM (
        SELECT 1 FROM jobs WHERE state IN ('running', 'cancelling') LIMIT :limit)) AS held,
    count(*) FILTER (WHERE run_at > :now) AS backing_off
FROM waiting
