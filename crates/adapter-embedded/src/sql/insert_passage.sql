INSERT INTO passages (document_id, ordinal, page, heading, table_head, text)
VALUES (:document_id, :ordinal, :page, :heading, :table_head, :text)
