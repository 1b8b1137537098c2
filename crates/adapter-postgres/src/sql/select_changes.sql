-- A document that came and has gone since is only ever seen to go.
SELECT
    c.generation, c.document_id, (c.kind = 'added' AND d.id IS NOT NULL) AS is_added,
    d.id, d.state, d.company, d.title, d.url, d.published_on, d.content_sha256, d.bytes, d.pages,
    d.created_at, d.error
FROM corpus_changes AS c
LEFT JOIN documents AS d ON d.id = c.document_id
WHERE c.tenant = $1 AND c.generation > $2
ORDER BY c.generation
LIMIT $3
