SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = $1 AND company_key = $2 AND content_sha256 = $3
