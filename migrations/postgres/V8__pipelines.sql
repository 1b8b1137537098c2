-- The versions of the workflow that a worker knows. The release before this one does not say: it
-- knows version 1 alone.
ALTER TABLE workers ADD COLUMN pipelines integer[];

-- When a live worker was last known to know each version: a job whose version nobody has known for
-- a while starts over with another.
CREATE TABLE pipelines (
    version  integer     NOT NULL PRIMARY KEY CHECK (version >= 1),
    known_at timestamptz NOT NULL
) WITH (fillfactor = 50);
