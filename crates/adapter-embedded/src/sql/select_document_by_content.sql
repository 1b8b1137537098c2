SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = :tenant AND company_key = :company_key AND content_sha256 = :content_sha256
