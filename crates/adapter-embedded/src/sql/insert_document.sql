INSERT INTO documents (
    id, tenant, generation, company, company_key, title, url, published_on, content_sha256,
    bytes, pages, created_at
) VALUES (
    :id, :tenant, :generation, :company, :company_key, :title, :url, :published_on,
    :content_sha256, :bytes, :pages, :created_at
)
