SELECT id, company, title, url, published_on, content_sha256, bytes, pages, created_at
FROM documents
WHERE id = :id
