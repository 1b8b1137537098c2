INSERT INTO documents (
    id, tenant, state, company, company_key, title, url, published_on, media_type, content_sha256,
    bytes, traceparent, created_at, epoch, crash_count
) VALUES (
    :id, :tenant, 'pending', :company, :company_key, :title, :url, :published_on, :media_type,
    :content_sha256, :bytes, :traceparent, :created_at, 0, 0
)
