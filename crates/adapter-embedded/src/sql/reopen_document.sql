-- A document that failed is pending again, as it is described now. Its epoch only ever grows.
UPDATE documents
SET state = 'pending', company = :company, title = :title, url = :url,
    published_on = :published_on, media_type = :media_type, traceparent = :traceparent,
    started_at = NULL, crash_count = 0, error = NULL
WHERE id = :id AND state = 'failed'
