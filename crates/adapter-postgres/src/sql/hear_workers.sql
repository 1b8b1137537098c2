INSERT INTO workers (incarnation, heard_at)
SELECT n.incarnation, assay_now()
FROM unnest($1::uuid[]) AS n (incarnation)
ORDER BY n.incarnation
ON CONFLICT (incarnation) DO UPDATE SET heard_at = greatest(workers.heard_at, excluded.heard_at)
