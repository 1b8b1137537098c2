-- Ids are 16-byte blobs: less than half of their text, and they sort by creation as they are.
-- Times are whole milliseconds since the Unix epoch, as everywhere in Assay.
-- Columns that hold JSON are text, written and read by serde_json alone.

-- One narrow row a job: all that decides about its future. Everything of a job that is large or
-- written once stands beside it, and goes with it (ON DELETE CASCADE).
CREATE TABLE jobs (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant              TEXT    NOT NULL,
    traceparent         TEXT    NOT NULL,
    state               TEXT    NOT NULL CHECK (state IN (
                            'queued', 'running', 'retrying', 'cancelling',
                            'succeeded', 'failed', 'timed_out', 'expired', 'cancelled')),
    state_since         INTEGER NOT NULL,
    epoch               INTEGER NOT NULL CHECK (epoch >= 0),
    version             INTEGER NOT NULL CHECK (version >= 1),
    write_no            INTEGER NOT NULL CHECK (write_no >= 0),
    -- The worker of the newest claim. It stays when the worker lets go, so that a repetition of
    -- its last write is known as one.
    worker              BLOB    CHECK (worker IS NULL OR length(worker) = 16),
    run_at              INTEGER,
    cancel_requested_at INTEGER,
    attempt             INTEGER NOT NULL CHECK (attempt >= 0),
    failures            INTEGER NOT NULL CHECK (failures >= 0),
    max_attempts        INTEGER NOT NULL,
    crash_count         INTEGER NOT NULL CHECK (crash_count >= 0),
    priority            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    deadline_at         INTEGER NOT NULL,
    queue_deadline_at   INTEGER,
    -- The earlier of the deadlines that apply: where the sweep looks.
    overdue_at          INTEGER NOT NULL,
    pipeline_version    INTEGER,
    output_chars        INTEGER NOT NULL,
    queued_ms           INTEGER NOT NULL,
    running_ms          INTEGER NOT NULL,
    backoff_ms          INTEGER NOT NULL,
    last_event_at       INTEGER NOT NULL,
    -- When a hint was taken that no worker has claimed since.
    hinted_at           INTEGER,
    expires_at          INTEGER,
    model_calls         INTEGER NOT NULL DEFAULT 0,
    tool_calls          INTEGER NOT NULL DEFAULT 0,
    input_tokens        INTEGER NOT NULL DEFAULT 0,
    output_tokens       INTEGER NOT NULL DEFAULT 0,
    cost_usd            REAL    NOT NULL DEFAULT 0,
    CHECK (state NOT IN ('running', 'cancelling') OR worker IS NOT NULL),
    CHECK ((state = 'retrying') = (run_at IS NOT NULL)),
    CHECK ((state = 'cancelling') = (cancel_requested_at IS NOT NULL)),
    CHECK (hinted_at IS NULL OR state IN ('queued', 'retrying')),
    CHECK ((state IN ('queued', 'running', 'retrying', 'cancelling')) = (expires_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_of_tenant ON jobs (tenant, created_at DESC, id DESC);
CREATE INDEX jobs_to_hint ON jobs (tenant, (attempt = 0), priority DESC, deadline_at, id)
    WHERE hinted_at IS NULL AND state IN ('queued', 'retrying');
CREATE INDEX jobs_hinted ON jobs (hinted_at) WHERE hinted_at IS NOT NULL;
CREATE INDEX jobs_held ON jobs (worker, state) WHERE state IN ('running', 'cancelling');
CREATE INDEX jobs_to_end ON jobs (overdue_at)
    WHERE state IN ('queued', 'running', 'retrying', 'cancelling');
CREATE INDEX jobs_to_settle ON jobs (cancel_requested_at) WHERE cancel_requested_at IS NOT NULL;
CREATE INDEX jobs_to_purge ON jobs (expires_at) WHERE expires_at IS NOT NULL;

-- What was asked.
CREATE TABLE job_inputs (
    job_id       BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    company_name TEXT NOT NULL,
    submission   TEXT NOT NULL,
    retry_of     BLOB CHECK (retry_of IS NULL OR length(retry_of) = 16)
) STRICT;

-- What came of it: exactly one of the two.
CREATE TABLE job_results (
    job_id BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    result TEXT,
    error  TEXT,
    CHECK ((result IS NULL) <> (error IS NULL))
) STRICT;

-- The log, append-only: the envelope is rendered when it is read.
CREATE TABLE events (
    job_id  BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version >= 1),
    kind    TEXT    NOT NULL,
    time    INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    data    TEXT    NOT NULL,
    PRIMARY KEY (job_id, version)
) STRICT, WITHOUT ROWID;

-- Attempts as a client sees them: the fold of job.started and of what ends an attempt.
CREATE TABLE attempts (
    job_id         BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n              INTEGER NOT NULL CHECK (n >= 1),
    started_at     INTEGER NOT NULL,
    finished_at    INTEGER,
    outcome        TEXT    CHECK (outcome IN ('succeeded', 'failed', 'requeued', 'ended')),
    requeue_reason TEXT    CHECK (requeue_reason IN ('drain', 'lease_lost')),
    error          TEXT,
    PRIMARY KEY (job_id, n),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

-- Steps as a client sees them: the fold of the step.* events. The last five columns are the
-- step's checkpoint, which is there once the step is done.
CREATE TABLE steps (
    job_id            BLOB    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step              TEXT    NOT NULL,
    -- The order of first starts.
    ordinal           INTEGER NOT NULL,
    kind              TEXT    NOT NULL CHECK (kind IN ('retrieval', 'tool', 'model')),
    state             TEXT    NOT NULL CHECK (state IN (
                          'running', 'completed', 'failed', 'skipped')),
    attempt           INTEGER NOT NULL,
    started_at        INTEGER NOT NULL,
    finished_at       INTEGER,
    input_sha256      BLOB    CHECK (input_sha256 IS NULL OR length(input_sha256) = 32),
    pipeline_version  INTEGER,
    corpus_generation INTEGER,
    output            TEXT,
    PRIMARY KEY (job_id, step),
    CHECK ((input_sha256 IS NULL) = (output IS NULL)),
    CHECK (output IS NULL OR state IN ('completed', 'skipped'))
) STRICT;

-- A tenant's keys for its submissions.
CREATE TABLE idempotency (
    tenant      TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    job_id      BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_of_job ON idempotency (job_id);

-- What is left of a deleted job for a while: that it was there.
CREATE TABLE tombstones (
    job_id    BLOB    NOT NULL PRIMARY KEY CHECK (length(job_id) = 16),
    tenant    TEXT    NOT NULL,
    key       TEXT,
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_by_key ON tombstones (tenant, key) WHERE key IS NOT NULL;
CREATE INDEX tombstones_to_forget ON tombstones (forget_at);
