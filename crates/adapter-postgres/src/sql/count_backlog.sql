-- Each count reads a partial index, and never past the limit: neither the jobs that are kept nor a
-- backlog without end makes it dearer. A job whose time has come is due before it is admitted.
WITH due AS (
    (SELECT coalesce(run_at, state_since) AS since
    FROM jobs WHERE admitted AND hinted_at IS NULL LIMIT $1)
    UNION ALL
    (SELECT coalesce(run_at, state_since) AS since
    FROM jobs WHERE hinted_at IS NOT NULL LIMIT $1)
    UNION ALL
    (SELECT run_at AS since
    FROM jobs WHERE state = 'retrying' AND NOT admitted AND run_at <= (SELECT assay_now()) LIMIT $1)
)
SELECT
    least(count(*), $1) AS due,
    min(since) AS due_since,
    (SELECT count(*) FROM (
        SELECT 1 FROM jobs WHERE state IN ('running', 'cancelling') LIMIT $1) AS h) AS held,
    (SELECT count(*) FROM (
        SELECT 1 FROM jobs
        WHERE state = 'retrying' AND NOT admitted AND run_at > (SELECT assay_now())
        LIMIT $1) AS b) AS backing_off,
    (SELECT assay_now()) AS now
FROM due
