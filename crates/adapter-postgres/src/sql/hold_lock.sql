-- Shared, so that a worker whose former connection still stands need not wait for its end.
SELECT pg_advisory_lock_shared($1)
