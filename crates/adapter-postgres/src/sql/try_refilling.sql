-- One at a time, of all processes; whoever comes second leaves it to the first.
SELECT pg_try_advisory_xact_lock(x'a55a9'::bigint) AS is_first
