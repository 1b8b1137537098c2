SELECT id, company, title, url, published_on, content_sha256, bytes, pages, created_at
FROM documents
WHERE tenant = :tenant AND company_key = :company_key AND content_sha256 = :content_sha256
