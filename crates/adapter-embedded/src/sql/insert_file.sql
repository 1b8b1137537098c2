INSERT INTO document_files (document_id, content)
VALUES (:document_id, :content)
