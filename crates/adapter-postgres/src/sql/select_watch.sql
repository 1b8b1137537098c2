-- A missing lock proves nothing until a lease after the first sweep of a watch: so that is known.
SELECT swept_at, locks_hold_from - $1::bigint * interval '1 millisecond' AS since
FROM sweeps
