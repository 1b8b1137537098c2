SELECT id, company, title, url, published_on, content_sha256, bytes, pages, created_at
FROM documents
WHERE tenant = :tenant AND generation > :after
ORDER BY generation
LIMIT :limit
