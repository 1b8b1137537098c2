SELECT page, heading, text
FROM passages
WHERE document_id = :document_id
ORDER BY ordinal
