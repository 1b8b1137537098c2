-- When a live worker was last known to run each version of the workflow. A worker of the first
-- release does not say what it knows: version 1 alone.
INSERT INTO pipelines AS p (version, known_at)
SELECT live.version, n.now
FROM (SELECT DISTINCT unnest(coalesce(w.pipelines, '{1}')) AS version FROM workers AS w) AS live
CROSS JOIN (SELECT assay_now() AS now) AS n
ORDER BY live.version
ON CONFLICT (version) DO UPDATE SET known_at = excluded.known_at
WHERE p.known_at < excluded.known_at - interval '500 milliseconds'
