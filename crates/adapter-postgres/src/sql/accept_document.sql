-- A document that failed is pending again, as it is described now; its epoch only ever grows. One
-- that waits or is ready stays as it is. Whoever sends the same one meanwhile waits.
WITH put AS (
    INSERT INTO documents AS d (
        id, tenant, state, company, company_key, title, url, published_on, media_type,
        content_sha256, bytes, traceparent, created_at)
    VALUES (
        $1, $2, 'pending', $3, $4, $5, $6, $7, $8, $9, octet_length($10::bytea), $11,
        assay_now())
    ON CONFLICT (tenant, company_key, content_sha256) DO UPDATE SET
        state = 'pending',
        company = excluded.company,
        title = excluded.title,
        url = excluded.url,
        published_on = excluded.published_on,
        media_type = excluded.media_type,
        traceparent = excluded.traceparent,
        started_at = NULL,
        crash_count = 0,
        error = NULL
    WHERE d.state = 'failed'
    RETURNING d.id
)
INSERT INTO document_files (document_id, content)
SELECT put.id, $10::bytea
FROM put
