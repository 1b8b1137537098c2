-- A sweep that comes later than the gap after the last one was itself asleep; one that comes after
-- the server started follows a time without a store. So were the workers, and their silence until
-- then proves nothing: every lease begins anew, and for its time a missing lock proves nothing,
-- either. So it is with what workers knew.
WITH here AS (
    SELECT assay_now() AS now, pg_postmaster_start_time() AS started
),
last AS (
    SELECT swept_at, server_started_at, locks_hold_from
    FROM sweeps
    FOR UPDATE
),
judged AS (
    SELECT
        here.now,
        here.started,
        last.locks_hold_from,
        (last.swept_at IS NULL
            OR last.swept_at < here.now - $2::bigint * interval '1 millisecond'
            OR last.server_started_at <> here.started) AS slept
    FROM here
    LEFT JOIN last ON true
),
noted AS (
    INSERT INTO sweeps AS s (swept_at, server_started_at, locks_hold_from)
    SELECT
        judged.now,
        judged.started,
        CASE
            WHEN judged.slept THEN judged.now + $1::bigint * interval '1 millisecond'
            ELSE judged.locks_hold_from
        END
    FROM judged
    ON CONFLICT (is_only) DO UPDATE SET
        swept_at = greatest(s.swept_at, excluded.swept_at),
        server_started_at = excluded.server_started_at,
        locks_hold_from = greatest(s.locks_hold_from, excluded.locks_hold_from)
),
remembered AS (
    UPDATE pipelines SET known_at = greatest(pipelines.known_at, judged.now)
    FROM judged
    WHERE judged.slept
)
UPDATE workers SET heard_at = greatest(workers.heard_at, judged.now)
FROM judged
WHERE judged.slept
