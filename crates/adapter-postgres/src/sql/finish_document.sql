-- One statement, so that the tenant's generation is locked for no longer than it takes.
WITH ended AS (
    UPDATE documents SET
        state = CASE WHEN $3::text IS NULL THEN 'ready' ELSE 'failed' END,
        error = $3,
        pages = $4,
        lease_until = NULL
    WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL
    RETURNING
        tenant, id, state, company, title, url, published_on, content_sha256, bytes, pages,
        created_at, error
),
dropped AS (
    DELETE FROM document_files AS f
    USING ended
    WHERE f.document_id = ended.id
),
said AS (
    INSERT INTO passages (document_id, ordinal, page, heading, table_head, text)
    SELECT ended.id, n.ordinal, n.page, n.heading, n.table_head, n.text
    FROM ended
    CROSS JOIN unnest($5::integer[], $6::integer[], $7::text[], $8::text[], $9::text[])
        AS n (ordinal, page, heading, table_head, text)
),
head AS (
    INSERT INTO corpora AS c (tenant, generation, origin)
    SELECT ended.tenant, 1, ended.id
    FROM ended
    WHERE ended.state = 'ready'
    ON CONFLICT (tenant) DO UPDATE SET generation = c.generation + 1
    RETURNING c.tenant, c.generation
),
changed AS (
    INSERT INTO corpus_changes (tenant, generation, kind, document_id)
    SELECT head.tenant, head.generation, 'added', ended.id
    FROM head
    CROSS JOIN ended
)
SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM ended
