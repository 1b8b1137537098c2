-- Known also of a document that went.
SELECT max(generation) AS generation
FROM corpus_changes
WHERE document_id = :document_id AND tenant = :tenant AND kind = 'added'
