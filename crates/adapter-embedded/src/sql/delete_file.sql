DELETE FROM document_files
WHERE document_id = :document_id
