INSERT INTO workers (incarnation, heard_at, lock_key, locked_at, pipelines)
SELECT $1, n.now, $2, n.now, $3
FROM (SELECT assay_now() AS now) AS n
ON CONFLICT (incarnation) DO UPDATE SET
    heard_at = greatest(workers.heard_at, excluded.heard_at),
    lock_key = excluded.lock_key,
    locked_at = greatest(workers.locked_at, excluded.locked_at),
    pipelines = excluded.pipelines
