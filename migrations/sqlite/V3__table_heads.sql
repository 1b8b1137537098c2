-- The lines that name the columns of the table that a passage begins in.
ALTER TABLE passages ADD COLUMN table_head TEXT NOT NULL DEFAULT '';
