INSERT INTO workers (incarnation, heard_at, lock_key)
VALUES ($1, assay_now(), $2)
ON CONFLICT (incarnation) DO UPDATE SET
    heard_at = greatest(workers.heard_at, excluded.heard_at),
    lock_key = excluded.lock_key
