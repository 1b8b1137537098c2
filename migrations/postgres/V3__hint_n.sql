-- How many hints were taken for a job since something was last recorded of it: the time after
-- which the next one is taken doubles with each. The release before this one leaves it as it is,
-- so it may be too high for a while, and no constraint ties it to hinted_at.
ALTER TABLE jobs ADD COLUMN hint_n integer NOT NULL DEFAULT 0 CHECK (hint_n >= 0);
