INSERT INTO corpus_changes (tenant, generation, kind, document_id)
VALUES (:tenant, :generation, 'added', :document_id)
