SELECT page, heading, table_head, text
FROM passages
WHERE document_id = :document_id
ORDER BY ordinal
