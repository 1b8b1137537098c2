-- How many hints were taken for a job since something was last recorded of it: the time after
-- which the next one is taken doubles with each.
ALTER TABLE jobs ADD COLUMN hint_n INTEGER NOT NULL DEFAULT 0 CHECK (hint_n >= 0);
