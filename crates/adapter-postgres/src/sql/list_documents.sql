SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = $1 AND ($2::uuid IS NULL OR id > $2)
ORDER BY id
LIMIT $3
