SELECT document_id, page, heading, table_head, text
FROM passages
WHERE document_id = ANY ($1)
ORDER BY document_id, ordinal
