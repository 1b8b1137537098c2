-- Times are kept in whole milliseconds, as everywhere in Assay, and come from this database's
-- clock alone. Columns that hold JSON are text, written and read by serde_json: they are never
-- searched, and keep what they were given to the last byte (jsonb would refuse U+0000).

-- The one place that the time is read at.
CREATE FUNCTION assay_now() RETURNS timestamptz
    LANGUAGE sql VOLATILE
    AS $$ SELECT date_trunc('milliseconds', clock_timestamp()) $$;

-- One narrow row a job: all that decides about its future. Everything of a job that is large or
-- written once stands beside it, and goes with it (ON DELETE CASCADE).
--
-- What a checkpoint changes (version, write_no, crash_count, output_chars, last_event_at and what
-- was spent) is in no index and no predicate, and a page keeps room for new versions of its rows,
-- so that such an update writes no index (it is HOT).
CREATE TABLE jobs (
    id                  uuid             NOT NULL PRIMARY KEY,
    tenant              text             NOT NULL,
    traceparent         text             NOT NULL,
    max_attempts        integer          NOT NULL,
    priority            integer          NOT NULL,
    created_at          timestamptz      NOT NULL,
    deadline_at         timestamptz      NOT NULL,
    queue_deadline_at   timestamptz,
    state               text             NOT NULL CHECK (state IN (
                            'queued', 'running', 'retrying', 'cancelling',
                            'succeeded', 'failed', 'timed_out', 'expired', 'cancelled')),
    state_since         timestamptz      NOT NULL,
    epoch               bigint           NOT NULL CHECK (epoch >= 0),
    version             bigint           NOT NULL CHECK (version >= 1),
    write_no            bigint           NOT NULL CHECK (write_no >= 0),
    -- The worker of the newest claim. It stays when the worker lets go, so that a repetition of
    -- its last write is known as one.
    worker              uuid,
    run_at              timestamptz,
    cancel_requested_at timestamptz,
    attempt             integer          NOT NULL CHECK (attempt >= 0),
    failures            integer          NOT NULL CHECK (failures >= 0),
    crash_count         integer          NOT NULL CHECK (crash_count >= 0),
    started_at          timestamptz,
    -- The earlier of the deadlines that apply: where the sweep looks.
    overdue_at          timestamptz      NOT NULL,
    pipeline_version    integer,
    output_chars        bigint           NOT NULL,
    queued_ms           bigint           NOT NULL,
    running_ms          bigint           NOT NULL,
    backoff_ms          bigint           NOT NULL,
    last_event_at       timestamptz      NOT NULL,
    expires_at          timestamptz,
    model_calls         integer          NOT NULL DEFAULT 0,
    tool_calls          integer          NOT NULL DEFAULT 0,
    input_tokens        bigint           NOT NULL DEFAULT 0,
    output_tokens       bigint           NOT NULL DEFAULT 0,
    cost_usd            double precision NOT NULL DEFAULT 0,
    -- Whether it waits for nothing but a worker. A job that waits for its time does not, until the
    -- time has come and somebody has noticed: so a refill reads past none of those.
    admitted            boolean          NOT NULL,
    -- When a hint was taken that no worker has claimed since.
    hinted_at           timestamptz,
    CHECK (state NOT IN ('running', 'cancelling') OR worker IS NOT NULL),
    CHECK ((state = 'retrying') = (run_at IS NOT NULL)),
    CHECK ((state = 'cancelling') = (cancel_requested_at IS NOT NULL)),
    CHECK (NOT admitted OR state IN ('queued', 'retrying')),
    CHECK (hinted_at IS NULL OR admitted),
    CHECK ((state IN ('queued', 'running', 'retrying', 'cancelling')) = (expires_at IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX jobs_of_tenant ON jobs (tenant, created_at DESC, id DESC);
CREATE INDEX jobs_to_hint ON jobs (tenant, (attempt = 0), priority DESC, deadline_at, id)
    WHERE admitted AND hinted_at IS NULL;
CREATE INDEX jobs_to_admit ON jobs (run_at) WHERE state = 'retrying' AND NOT admitted;
CREATE INDEX jobs_hinted ON jobs (hinted_at) INCLUDE (tenant) WHERE hinted_at IS NOT NULL;
CREATE INDEX jobs_held ON jobs (worker, state) INCLUDE (tenant)
    WHERE state IN ('running', 'cancelling');
CREATE INDEX jobs_to_end ON jobs (overdue_at)
    WHERE state IN ('queued', 'running', 'retrying', 'cancelling');
CREATE INDEX jobs_to_settle ON jobs (cancel_requested_at) WHERE cancel_requested_at IS NOT NULL;
CREATE INDEX jobs_to_purge ON jobs (expires_at) WHERE expires_at IS NOT NULL;

-- What was asked.
CREATE TABLE job_inputs (
    job_id       uuid   NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    company_name text   NOT NULL,
    -- Each label as the JSON of the pair (name, value), to search by.
    labels       text[] NOT NULL,
    submission   text   NOT NULL,
    retry_of     uuid
);

-- What came of it: exactly one of the two.
CREATE TABLE job_results (
    job_id uuid NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    result text,
    error  text,
    CHECK ((result IS NULL) <> (error IS NULL))
);

-- The log, append-only: the envelope is rendered when it is read.
CREATE TABLE events (
    job_id  uuid        NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    version bigint      NOT NULL CHECK (version >= 1),
    kind    text        NOT NULL,
    time    timestamptz NOT NULL,
    attempt integer     NOT NULL,
    data    text        NOT NULL,
    PRIMARY KEY (job_id, version)
);

-- Attempts as a client sees them: the fold of job.started and of what ends an attempt.
CREATE TABLE attempts (
    job_id         uuid        NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n              integer     NOT NULL CHECK (n >= 1),
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    outcome        text        CHECK (outcome IN ('succeeded', 'failed', 'requeued', 'ended')),
    requeue_reason text        CHECK (requeue_reason IN ('drain', 'lease_lost')),
    error          text,
    PRIMARY KEY (job_id, n),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);

-- Steps as a client sees them: the fold of the step.* events. The last four columns are the
-- step's checkpoint, which is there once the step is done.
CREATE TABLE steps (
    job_id            uuid        NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step              text        NOT NULL,
    -- The order of first starts.
    ordinal           integer     NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('retrieval', 'tool', 'model')),
    state             text        NOT NULL CHECK (state IN (
                          'running', 'completed', 'failed', 'skipped')),
    attempt           integer     NOT NULL,
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz,
    input_sha256      bytea       CHECK (octet_length(input_sha256) = 32),
    pipeline_version  integer,
    corpus_generation bigint,
    output            text,
    PRIMARY KEY (job_id, step),
    CHECK ((input_sha256 IS NULL) = (output IS NULL)),
    CHECK (output IS NULL OR state IN ('completed', 'skipped'))
) WITH (fillfactor = 70);

-- A tenant's keys for its submissions. A key is taken before its job is written, in the same
-- transaction: whoever sends the same key meanwhile waits for the outcome.
CREATE TABLE idempotency (
    tenant      text  NOT NULL,
    key         text  NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    job_id      uuid  NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
                      DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (tenant, key)
);

CREATE INDEX idempotency_of_job ON idempotency (job_id);

-- What is left of a deleted job for a while: that it was there.
CREATE TABLE tombstones (
    job_id    uuid        NOT NULL PRIMARY KEY,
    tenant    text        NOT NULL,
    key       text,
    forget_at timestamptz NOT NULL
);

CREATE INDEX tombstones_by_key ON tombstones (tenant, key) WHERE key IS NOT NULL;
CREATE INDEX tombstones_to_forget ON tombstones (forget_at);

-- The workers that live, as far as anybody knows: a job whose worker is not here is given back.
CREATE TABLE workers (
    -- One run of a worker's process: a worker that starts again is another one.
    incarnation uuid        NOT NULL PRIMARY KEY,
    heard_at    timestamptz NOT NULL,
    -- The session advisory lock that the worker holds while its connection stands; NULL if it
    -- holds none, so that only its silence counts.
    lock_key    bigint,
    -- When it was last known to hold that lock.
    locked_at   timestamptz
) WITH (fillfactor = 50);

-- When somebody swept last. It is one row at the most: it is not logged, so that a crash of the
-- server, which cuts every worker's session, empties the table; a restart in order shows in the
-- time at which the server started. In both cases silence before it proves nothing.
CREATE UNLOGGED TABLE sweeps (
    is_only           boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    swept_at          timestamptz NOT NULL,
    server_started_at timestamptz NOT NULL,
    -- Until then a missing lock proves nothing: everybody is still connecting again.
    locks_hold_from   timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Whose turn was last in the order of hints. It is one row.
CREATE TABLE refills (
    is_only     boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    last_tenant text    NOT NULL DEFAULT ''
) WITH (fillfactor = 50);

INSERT INTO refills DEFAULT VALUES;
