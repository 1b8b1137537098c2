SELECT generation, origin
FROM corpora
WHERE tenant = $1
