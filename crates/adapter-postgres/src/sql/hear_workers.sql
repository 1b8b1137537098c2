-- The versions that each knows are an array in its text form: arrays have no array of their own.
INSERT INTO workers (incarnation, heard_at, pipelines)
SELECT n.incarnation, assay_now(), n.pipelines::integer[]
FROM unnest($1::uuid[], $2::text[]) AS n (incarnation, pipelines)
ORDER BY n.incarnation
ON CONFLICT (incarnation) DO UPDATE SET
    heard_at = greatest(workers.heard_at, excluded.heard_at),
    pipelines = excluded.pipelines
