-- Dead is who was silent for a lease, or was silent for a moment and lost its lock: a session
-- that ended took the lock along. After a time without a store or without sweeps a missing lock
-- proves nothing for a lease, save of a worker that has held its lock since.
WITH silent AS (
    SELECT w.incarnation, w.heard_at, w.lock_key, w.locked_at, n.now
    FROM workers AS w
    CROSS JOIN (SELECT assay_now() AS now) AS n
    WHERE w.heard_at <= n.now - $2::bigint * interval '1 millisecond'
)
DELETE FROM workers AS w
USING silent
WHERE w.incarnation = silent.incarnation
    AND w.heard_at = silent.heard_at
    AND (silent.heard_at <= silent.now - $1::bigint * interval '1 millisecond'
        OR (silent.lock_key IS NOT NULL
            AND EXISTS (
                SELECT 1 FROM sweeps AS s
                WHERE s.locks_hold_from <= silent.now
                    OR silent.locked_at
                        > s.locks_hold_from - $1::bigint * interval '1 millisecond')
            AND NOT EXISTS (
                SELECT 1 FROM pg_locks AS l
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                    AND l.database = (
                        SELECT oid FROM pg_database WHERE datname = current_database())
                    AND (l.classid::bigint << 32) | l.objid::bigint = silent.lock_key)))
