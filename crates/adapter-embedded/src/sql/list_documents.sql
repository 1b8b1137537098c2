SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = :tenant AND (:after IS NULL OR id > :after)
ORDER BY id
LIMIT :limit
