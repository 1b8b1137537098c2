SELECT generation, kind, document_id
FROM corpus_changes
WHERE tenant = :tenant AND generation > :after
ORDER BY generation
LIMIT :limit
