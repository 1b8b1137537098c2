-- A job may be given back because what it needs is out. SQLite cannot change a constraint, so the
-- table is made anew; nothing refers to it.
CREATE TABLE attempts_v6 (
    job_id         BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n              INTEGER NOT NULL CHECK (n >= 1),
    started_at     INTEGER NOT NULL,
    finished_at    INTEGER,
    outcome        TEXT    CHECK (outcome IN ('succeeded', 'failed', 'requeued', 'ended')),
    requeue_reason TEXT    CHECK (requeue_reason IN ('drain', 'lease_lost', 'circuit_open')),
    error          TEXT,
    PRIMARY KEY (job_id, n),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO attempts_v6 (job_id, n, started_at, finished_at, outcome, requeue_reason, error)
SELECT job_id, n, started_at, finished_at, outcome, requeue_reason, error
FROM attempts;

DROP TABLE attempts;
ALTER TABLE attempts_v6 RENAME TO attempts;
