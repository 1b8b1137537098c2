-- What live workers know, and what one of them knew not long ago.
SELECT DISTINCT coalesce(w.pipelines, '{1}') AS pipelines, true AS is_live
FROM workers AS w
UNION ALL
SELECT ARRAY[p.version], false
FROM pipelines AS p
WHERE p.known_at > assay_now() - $1::bigint * interval '1 millisecond'
