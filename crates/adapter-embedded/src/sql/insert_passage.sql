INSERT INTO passages (document_id, ordinal, page, heading, text)
VALUES (:document_id, :ordinal, :page, :heading, :text)
