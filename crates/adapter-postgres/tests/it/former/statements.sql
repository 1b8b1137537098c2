-- The statements of the former release, by `cargo xtask freeze`. Not edited by hand.
-- commit: ba32af331865c76db86a6ad9ce34d172e331b839
-- migration: 6

--@ accept_document
-- A document that failed is pending again, as it is described now; its epoch only ever grows. One
-- that waits or is ready stays as it is. Whoever sends the same one meanwhile waits.
WITH put AS (
    INSERT INTO documents AS d (
        id, tenant, state, company, company_key, title, url, published_on, media_type,
        content_sha256, bytes, traceparent, created_at)
    VALUES (
        $1, $2, 'pending', $3, $4, $5, $6, $7, $8, $9, octet_length($10::bytea), $11,
        assay_now())
    ON CONFLICT (tenant, company_key, content_sha256) DO UPDATE SET
        state = 'pending',
        company = excluded.company,
        title = excluded.title,
        url = excluded.url,
        published_on = excluded.published_on,
        media_type = excluded.media_type,
        traceparent = excluded.traceparent,
        started_at = NULL,
        crash_count = 0,
        error = NULL
    WHERE d.state = 'failed'
    RETURNING d.id
)
INSERT INTO document_files (document_id, content)
SELECT put.id, $10::bytea
FROM put

--@ admit_due
UPDATE jobs SET admitted = true
WHERE id = ANY (ARRAY (
    SELECT id FROM jobs
    WHERE state = 'retrying' AND NOT admitted AND run_at <= (SELECT assay_now())
    ORDER BY run_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED))

--@ be_patient
-- For the rest of the transaction. Tens of megabytes take their time, on the wire as on the disk,
-- and while a statement is on its way the session counts as idle. Nothing is locked before it has
-- arrived.
SELECT
    set_config('statement_timeout', '60s', true),
    set_config('idle_in_transaction_session_timeout', '60s', true),
    set_config('lock_timeout', '10s', true)

--@ begin
BEGIN

--@ begin_reading
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

--@ claim_document
-- The tenant with the fewest documents in hand is next, with its oldest document. Of each tenant
-- the first few are looked at, because others may be claiming those before.
WITH RECURSIVE here AS (
    SELECT assay_now() AS now
),
waiting (tenant) AS (
    (SELECT tenant FROM documents WHERE state = 'pending' AND lease_until IS NULL
        ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT d.tenant FROM documents AS d
        WHERE d.state = 'pending' AND d.lease_until IS NULL AND d.tenant > waiting.tenant
        ORDER BY d.tenant LIMIT 1)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
held (tenant, documents) AS (
    SELECT tenant, count(*) FROM documents WHERE lease_until IS NOT NULL GROUP BY tenant
),
candidates AS (
    SELECT c.id, coalesce(held.documents, 0) AS in_hand
    FROM waiting
    LEFT JOIN held ON held.tenant = waiting.tenant
    CROSS JOIN LATERAL (
        SELECT id FROM documents
        WHERE state = 'pending' AND lease_until IS NULL AND tenant = waiting.tenant
        ORDER BY id
        LIMIT 16) AS c
),
next AS (
    SELECT d.id
    FROM candidates
    JOIN documents AS d ON d.id = candidates.id
    WHERE d.state = 'pending' AND d.lease_until IS NULL
    ORDER BY candidates.in_hand, d.id
    LIMIT 1
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE documents AS d SET
    epoch = d.epoch + 1,
    started_at = coalesce(d.started_at, here.now),
    lease_until = here.now + $1::bigint * interval '1 millisecond'
FROM here, next
JOIN document_files AS f ON f.document_id = next.id
WHERE d.id = next.id
RETURNING d.id, d.epoch, d.started_at, d.media_type, d.traceparent, f.content, here.now

--@ clear_hints
-- A job that is being changed right now loses its hint by that, or has its hint sent again later.
WITH free AS (
    SELECT id FROM jobs
    WHERE id = ANY ($1) AND hinted_at IS NOT NULL
    ORDER BY id
    FOR UPDATE SKIP LOCKED)
UPDATE jobs AS j SET hinted_at = NULL, hint_n = greatest(j.hint_n - 1, 0)
FROM free
WHERE j.id = free.id

--@ close_attempts
UPDATE attempts AS a SET
    finished_at = n.finished_at,
    outcome = n.outcome,
    requeue_reason = n.requeue_reason,
    error = n.error
FROM unnest(
    $1::uuid[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::text[]
) AS n (job_id, n, finished_at, outcome, requeue_reason, error)
WHERE a.job_id = n.job_id AND a.job_id = ANY ($1) AND a.n = n.n AND a.finished_at IS NULL

--@ commit
COMMIT

--@ count_hinted
-- Counts up to the limit only: what is beyond it changes nothing.
SELECT count(*) AS hinted
FROM (SELECT 1 FROM jobs WHERE hinted_at IS NOT NULL LIMIT $1) AS h

--@ delete_ended
-- Everything of a job goes with its row (ON DELETE CASCADE); only that it was there is remembered.
WITH found AS (
    SELECT id, tenant, expires_at IS NOT NULL AS has_ended
    FROM jobs
    WHERE id = $1 AND tenant = $2
    FOR UPDATE
),
remembered AS (
    INSERT INTO tombstones (job_id, tenant, key, forget_at)
    SELECT f.id, f.tenant, k.key, assay_now() + $3::bigint * interval '1 day'
    FROM found AS f
    LEFT JOIN idempotency AS k ON k.job_id = f.id
    WHERE f.has_ended
),
deleted AS (
    DELETE FROM jobs
    USING found
    WHERE jobs.id = found.id AND found.has_ended
)
SELECT has_ended FROM found

--@ delete_expired
-- Everything of a job goes with its row (ON DELETE CASCADE); only that it was there is remembered.
WITH expired AS (
    SELECT id, tenant
    FROM jobs
    WHERE expires_at <= (SELECT assay_now())
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
remembered AS (
    INSERT INTO tombstones (job_id, tenant, key, forget_at)
    SELECT e.id, e.tenant, k.key, assay_now() + $2::bigint * interval '1 day'
    FROM expired AS e
    LEFT JOIN idempotency AS k ON k.job_id = e.id
)
DELETE FROM jobs
USING expired
WHERE jobs.id = expired.id
RETURNING jobs.id

--@ examine
SELECT
    current_setting('server_version') AS server_version,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('max_connections')::integer AS connections_max,
    (
        SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend'
    ) AS connections,
    clock_timestamp() AS now

--@ fail_documents
WITH failed AS (
    UPDATE documents AS d SET
        state = 'failed',
        error = n.error,
        lease_until = NULL
    FROM unnest($1::uuid[], $2::text[]) AS n (id, error)
    WHERE d.id = n.id AND d.state = 'pending'
    RETURNING d.id
)
DELETE FROM document_files AS f
USING failed
WHERE f.document_id = failed.id

--@ find_cancelling
SELECT id
FROM jobs
WHERE worker = $1 AND state = 'cancelling' AND state IN ('running', 'cancelling')

--@ find_earlier
-- What each submission's id and key belong to, now that its key is taken or known. Each is looked
-- up by itself, as in take_keys.
SELECT
    n.id,
    j.tenant AS tenant_of_id,
    k.job_id AS job_of_key,
    k.fingerprint,
    (SELECT t.job_id FROM tombstones AS t WHERE t.job_id = n.id LIMIT 1) IS NOT NULL
        AS is_id_gone,
    (SELECT t.job_id FROM tombstones AS t
        WHERE t.tenant = n.tenant AND t.key = n.key LIMIT 1) IS NOT NULL
        AS is_key_gone
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, tenant, key)
LEFT JOIN LATERAL (SELECT tenant FROM jobs WHERE jobs.id = n.id LIMIT 1) AS j ON true
LEFT JOIN LATERAL (
    SELECT job_id, fingerprint FROM idempotency AS i
    WHERE i.tenant = n.tenant AND i.key = n.key LIMIT 1) AS k ON true

--@ find_orphans
SELECT j.id, j.epoch
FROM jobs AS j
WHERE j.state IN ('running', 'cancelling')
    AND NOT EXISTS (SELECT 1 FROM workers AS w WHERE w.incarnation = j.worker)
LIMIT $1

--@ find_overdue
SELECT id, epoch
FROM jobs
WHERE overdue_at <= (SELECT assay_now())
    AND state IN ('queued', 'running', 'retrying', 'cancelling')
ORDER BY overdue_at
LIMIT $1

--@ find_queue_position
-- Jobs with a hint under way go first, in the order of their hints; then the others in the order of
-- a refill. Both are cut at the limit before anything is counted: how long a queue is changes
-- nothing. A job behind that has no row.
WITH hinted AS (
    SELECT
        id,
        row_number() OVER (ORDER BY hinted_at, is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, tenant, hinted_at, (attempt = 0) AS is_new, priority, deadline_at
        FROM jobs
        WHERE hinted_at IS NOT NULL
        ORDER BY hinted_at
        LIMIT $3) AS first_hinted
    WHERE tenant = $1
),
unhinted AS (
    SELECT id, row_number() OVER (ORDER BY is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, (attempt = 0) AS is_new, priority, deadline_at
        FROM jobs
        WHERE admitted AND hinted_at IS NULL AND tenant = $1
        ORDER BY (attempt = 0), priority DESC, deadline_at, id
        LIMIT $3) AS first_unhinted
)
SELECT position
FROM (
    SELECT id, position FROM hinted
    UNION ALL
    SELECT id, (SELECT count(*) FROM hinted) + position FROM unhinted) AS queue
WHERE id = $2 AND position <= $3
LIMIT 1

--@ find_stale_hints
-- Each time that a job's hint was taken in vain doubles the wait, from $1 up to $2. The first line
-- is what the index can tell.
SELECT id
FROM jobs
WHERE hinted_at <= (SELECT assay_now()) - $1::bigint * interval '1 millisecond'
    AND hinted_at <= (SELECT assay_now())
        - least($1::bigint << least(greatest(hint_n - 1, 0), 20), $2::bigint)
            * interval '1 millisecond'
    AND overdue_at > (SELECT assay_now())
ORDER BY hinted_at, id
LIMIT $3

--@ find_stuck_documents
-- Those whose lease passed, and those whose time is over.
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE state = 'pending' AND id = ANY (ARRAY (
    SELECT id FROM documents
    WHERE lease_until <= (SELECT assay_now())
    UNION
    SELECT id FROM documents
    WHERE state = 'pending'
        AND started_at <= (SELECT assay_now()) - $1::bigint * interval '1 millisecond'
    LIMIT $2))
ORDER BY id
FOR UPDATE SKIP LOCKED

--@ find_unhinted
-- The first jobs of each of these tenants, in the order that they are to start.
SELECT t.tenant, j.id
FROM unnest($1::text[]) WITH ORDINALITY AS t (tenant, turn)
CROSS JOIN LATERAL (
    SELECT id, attempt, priority, deadline_at
    FROM jobs
    WHERE admitted AND hinted_at IS NULL
        AND tenant = t.tenant
        AND overdue_at > (SELECT assay_now())
    ORDER BY (attempt = 0), priority DESC, deadline_at, id
    LIMIT $2) AS j
ORDER BY t.turn, (j.attempt = 0), j.priority DESC, j.deadline_at, j.id

--@ find_unsettled
SELECT id, epoch
FROM jobs
WHERE cancel_requested_at <= (SELECT assay_now()) - $2::bigint * interval '1 millisecond'
ORDER BY cancel_requested_at
LIMIT $1

--@ find_waiting_tenants
-- Those of the tenants that have a due job without a hint.
SELECT t.tenant
FROM unnest($1::text[]) AS t (tenant)
WHERE (
    SELECT true FROM jobs AS j
    WHERE j.tenant = t.tenant AND j.admitted AND j.hinted_at IS NULL
        AND j.overdue_at > (SELECT assay_now())
    LIMIT 1)

--@ finish_document
-- One statement, so that the tenant's generation is locked for no longer than it takes.
WITH ended AS (
    UPDATE documents SET
        state = CASE WHEN $3::text IS NULL THEN 'ready' ELSE 'failed' END,
        error = $3,
        pages = $4,
        lease_until = NULL
    WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL
    RETURNING
        tenant, id, state, company, title, url, published_on, content_sha256, bytes, pages,
        created_at, error
),
dropped AS (
    DELETE FROM document_files AS f
    USING ended
    WHERE f.document_id = ended.id
),
said AS (
    INSERT INTO passages (document_id, ordinal, page, heading, table_head, text)
    SELECT ended.id, n.ordinal, n.page, n.heading, n.table_head, n.text
    FROM ended
    CROSS JOIN unnest($5::integer[], $6::integer[], $7::text[], $8::text[], $9::text[])
        AS n (ordinal, page, heading, table_head, text)
),
head AS (
    INSERT INTO corpora AS c (tenant, generation, origin)
    SELECT ended.tenant, 1, ended.id
    FROM ended
    WHERE ended.state = 'ready'
    ON CONFLICT (tenant) DO UPDATE SET generation = c.generation + 1
    RETURNING c.tenant, c.generation
),
changed AS (
    INSERT INTO corpus_changes (tenant, generation, kind, document_id)
    SELECT head.tenant, head.generation, 'added', ended.id
    FROM head
    CROSS JOIN ended
)
SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM ended

--@ forget_silent_workers
-- Dead is who was silent for a lease, or was silent for a moment and lost its lock: a session
-- that ended took the lock along. After a time without a store or without sweeps a missing lock
-- proves nothing for a lease, save of a worker that has held its lock since.
WITH silent AS (
    SELECT w.incarnation, w.heard_at, w.lock_key, w.locked_at, n.now
    FROM workers AS w
    CROSS JOIN (SELECT assay_now() AS now) AS n
    WHERE w.heard_at <= n.now - $2::bigint * interval '1 millisecond'
)
DELETE FROM workers AS w
USING silent
WHERE w.incarnation = silent.incarnation
    AND w.heard_at = silent.heard_at
    AND (silent.heard_at <= silent.now - $1::bigint * interval '1 millisecond'
        OR (silent.lock_key IS NOT NULL
            AND EXISTS (
                SELECT 1 FROM sweeps AS s
                WHERE s.locks_hold_from <= silent.now
                    OR silent.locked_at
                        > s.locks_hold_from - $1::bigint * interval '1 millisecond')
            AND NOT EXISTS (
                SELECT 1 FROM pg_locks AS l
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                    AND l.database = (
                        SELECT oid FROM pg_database WHERE datname = current_database())
                    AND (l.classid::bigint << 32) | l.objid::bigint = silent.lock_key)))

--@ forget_tombstones
DELETE FROM tombstones
WHERE job_id = ANY (ARRAY (
    SELECT job_id FROM tombstones
    WHERE forget_at <= (SELECT assay_now())
    ORDER BY forget_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED))
RETURNING job_id

--@ give_back_documents
UPDATE documents AS d SET
    lease_until = NULL,
    crash_count = n.crash_count
FROM unnest($1::uuid[], $2::integer[]) AS n (id, crash_count)
WHERE d.id = n.id AND d.state = 'pending'

--@ hear_workers
INSERT INTO workers (incarnation, heard_at)
SELECT n.incarnation, assay_now()
FROM unnest($1::uuid[]) AS n (incarnation)
ORDER BY n.incarnation
ON CONFLICT (incarnation) DO UPDATE SET heard_at = greatest(workers.heard_at, excluded.heard_at)

--@ hold_lock
-- Shared, so that a worker whose former connection still stands need not wait for its end.
SELECT pg_advisory_lock_shared($1)

--@ insert_events
INSERT INTO events (job_id, version, kind, time, attempt, data)
SELECT n.job_id, n.version, n.kind, n.time, n.attempt, n.data
FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[]
) AS n (job_id, version, kind, time, attempt, data)

--@ insert_inputs
-- The labels of a job come as one JSON array of texts: unnest takes no arrays of arrays.
INSERT INTO job_inputs (job_id, company_name, labels, submission, retry_of)
SELECT
    n.job_id, n.company_name,
    ARRAY (SELECT json_array_elements_text(n.labels::json)),
    n.submission, n.retry_of
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
    AS n (job_id, company_name, labels, submission, retry_of)

--@ insert_jobs
INSERT INTO jobs (
    id, state, state_since, epoch, version, write_no, worker, run_at, cancel_requested_at,
    attempt, failures, crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at, model_calls, tool_calls,
    input_tokens, output_tokens, cost_usd, admitted,
    tenant, traceparent, max_attempts, priority, created_at, deadline_at, queue_deadline_at,
    hinted_at, hint_n)
SELECT
    n.id, n.state, n.state_since, n.epoch, n.version, n.write_no, n.worker, n.run_at,
    n.cancel_requested_at, n.attempt, n.failures, n.crash_count, n.started_at, n.overdue_at,
    n.pipeline_version, n.output_chars, n.queued_ms, n.running_ms, n.backoff_ms, n.last_event_at,
    n.expires_at, n.model_calls, n.tool_calls, n.input_tokens, n.output_tokens, n.cost_usd,
    n.admitted, n.tenant, n.traceparent, n.max_attempts, n.priority, n.created_at, n.deadline_at,
    n.queue_deadline_at, n.hinted_at, (n.hinted_at IS NOT NULL)::integer
FROM unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[],
    $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::integer[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::timestamptz[],
    $22::integer[], $23::integer[], $24::bigint[], $25::bigint[], $26::float8[], $27::boolean[],
    $28::text[], $29::text[], $30::integer[], $31::integer[], $32::timestamptz[],
    $33::timestamptz[], $34::timestamptz[], $35::timestamptz[]
) AS n (
    id, state, state_since, epoch, version, write_no,
    worker, run_at, cancel_requested_at, attempt, failures,
    crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at,
    model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted,
    tenant, traceparent, max_attempts, priority, created_at,
    deadline_at, queue_deadline_at, hinted_at)
ORDER BY n.id

--@ insert_results
INSERT INTO job_results (job_id, result, error)
SELECT n.job_id, n.result, n.error
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (job_id, result, error)

--@ keep_turn
UPDATE refills SET last_tenant = $1

--@ list_documents
SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = $1 AND ($2::uuid IS NULL OR id > $2)
ORDER BY id
LIMIT $3

--@ list_snapshots
SELECT
    j.id, j.tenant, j.traceparent, j.max_attempts, j.priority, j.created_at, j.deadline_at,
    j.queue_deadline_at, j.state, j.state_since, j.epoch, j.version, j.write_no, j.worker,
    j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.crash_count, j.started_at,
    j.overdue_at, j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.expires_at, j.model_calls, j.tool_calls, j.input_tokens,
    j.output_tokens, j.cost_usd, j.admitted,
    i.submission, i.retry_of, r.result, r.error,
    (SELECT assay_now()) AS read_at
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.tenant = $1
    AND (j.created_at, j.id) < ($2, $3)
    AND ($4::timestamptz IS NULL OR j.created_at >= $4)
    AND ($5::timestamptz IS NULL OR j.created_at < $5)
    AND ($6::text IS NULL OR j.state = $6)
    AND ($7::text IS NULL OR i.company_name = $7)
    AND ($8::text IS NULL OR j.id = (
        SELECT k.job_id FROM idempotency AS k WHERE k.tenant = $1 AND k.key = $8))
    AND i.labels @> $9
ORDER BY j.created_at DESC, j.id DESC
LIMIT $10

--@ lock_free_jobs
-- Those alone that nobody else is changing.
SELECT
    id, tenant, traceparent, max_attempts, priority, created_at, deadline_at,
    queue_deadline_at, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, crash_count, started_at, overdue_at,
    pipeline_version, output_chars, queued_ms, running_ms, backoff_ms, last_event_at,
    expires_at, model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted
FROM jobs
WHERE id = ANY ($1)
ORDER BY id
FOR UPDATE SKIP LOCKED

--@ lock_jobs
-- In the order of ids, so that two batches never wait for each other.
SELECT
    id, tenant, traceparent, max_attempts, priority, created_at, deadline_at,
    queue_deadline_at, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, crash_count, started_at, overdue_at,
    pipeline_version, output_chars, queued_ms, running_ms, backoff_ms, last_event_at,
    expires_at, model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted
FROM jobs
WHERE id = ANY ($1)
ORDER BY id
FOR UPDATE

--@ mark_hinted
-- At one time for all: what tells their order is then the order that they were chosen in.
WITH free AS (
    SELECT id FROM jobs
    WHERE id = ANY ($1) AND admitted
    ORDER BY id
    FOR UPDATE SKIP LOCKED)
UPDATE jobs AS j SET hinted_at = (SELECT assay_now()), hint_n = j.hint_n + 1
FROM free
WHERE j.id = free.id
RETURNING j.id

--@ note_sweep
-- A sweep that comes later than the gap after the last one was itself asleep; one that comes after
-- the server started follows a time without a store. So were the workers, and their silence until
-- then proves nothing: every lease begins anew, and for its time a missing lock proves nothing,
-- either.
WITH here AS (
    SELECT assay_now() AS now, pg_postmaster_start_time() AS started
),
last AS (
    SELECT swept_at, server_started_at, locks_hold_from
    FROM sweeps
    FOR UPDATE
),
judged AS (
    SELECT
        here.now,
        here.started,
        last.locks_hold_from,
        (last.swept_at IS NULL
            OR last.swept_at < here.now - $2::bigint * interval '1 millisecond'
            OR last.server_started_at <> here.started) AS slept
    FROM here
    LEFT JOIN last ON true
),
noted AS (
    INSERT INTO sweeps AS s (swept_at, server_started_at, locks_hold_from)
    SELECT
        judged.now,
        judged.started,
        CASE
            WHEN judged.slept THEN judged.now + $1::bigint * interval '1 millisecond'
            ELSE judged.locks_hold_from
        END
    FROM judged
    ON CONFLICT (is_only) DO UPDATE SET
        swept_at = greatest(s.swept_at, excluded.swept_at),
        server_started_at = excluded.server_started_at,
        locks_hold_from = greatest(s.locks_hold_from, excluded.locks_hold_from)
)
UPDATE workers SET heard_at = greatest(workers.heard_at, judged.now)
FROM judged
WHERE judged.slept

--@ open_attempts
INSERT INTO attempts (job_id, n, started_at, spent_before)
SELECT n.job_id, n.n, n.started_at, n.spent_before
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::text[])
    AS n (job_id, n, started_at, spent_before)

--@ page_records
-- With the length of each log: a page ends where its logs would be too long together.
SELECT j.id, (SELECT count(*) FROM events AS e WHERE e.job_id = j.id) AS events
FROM jobs AS j
WHERE j.id > $1
ORDER BY j.id
LIMIT $2

--@ put_steps
INSERT INTO steps (
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, output)
SELECT
    n.job_id, n.step, n.ordinal, n.kind, n.state, n.attempt, n.started_at, n.finished_at,
    n.input_sha256, n.pipeline_version, n.corpus_generation, n.output
FROM unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::integer[],
    $7::timestamptz[], $8::timestamptz[], $9::bytea[], $10::integer[], $11::bigint[],
    $12::text[]
) AS n (
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, output)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    input_sha256 = excluded.input_sha256,
    pipeline_version = excluded.pipeline_version,
    corpus_generation = excluded.corpus_generation,
    output = excluded.output

--@ release_document
UPDATE documents SET lease_until = NULL
WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL

--@ renew_document
UPDATE documents SET
    lease_until = assay_now() + $3::bigint * interval '1 millisecond'
WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL
RETURNING id

--@ renew_worker
INSERT INTO workers (incarnation, heard_at, lock_key, locked_at)
SELECT $1, n.now, $2, n.now
FROM (SELECT assay_now() AS now) AS n
ON CONFLICT (incarnation) DO UPDATE SET
    heard_at = greatest(workers.heard_at, excluded.heard_at),
    lock_key = excluded.lock_key,
    locked_at = greatest(workers.locked_at, excluded.locked_at)

--@ retire_worker
DELETE FROM workers
WHERE incarnation = $1

--@ roll_back
ROLLBACK

--@ select_attempts
SELECT job_id, n, started_at, finished_at, outcome, requeue_reason, error, spent_before
FROM attempts
WHERE job_id = ANY ($1)
ORDER BY job_id, n

--@ select_changes
-- A document that came and has gone since is only ever seen to go.
SELECT
    c.generation, c.document_id, (c.kind = 'added' AND d.id IS NOT NULL) AS is_added,
    d.id, d.state, d.company, d.title, d.url, d.published_on, d.content_sha256, d.bytes, d.pages,
    d.created_at, d.error
FROM corpus_changes AS c
LEFT JOIN documents AS d ON d.id = c.document_id
WHERE c.tenant = $1 AND c.generation > $2
ORDER BY c.generation
LIMIT $3

--@ select_checkpoints
SELECT job_id, step, input_sha256, pipeline_version, corpus_generation, output
FROM steps
WHERE job_id = ANY ($1) AND output IS NOT NULL
ORDER BY job_id, ordinal

--@ select_corpus_head
SELECT generation, origin
FROM corpora
WHERE tenant = $1

--@ select_document
SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = $1 AND id = $2

--@ select_document_by_content
SELECT
    id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = $1 AND company_key = $2 AND content_sha256 = $3

--@ select_events
SELECT p.job_id, p.version, p.kind, p.time, p.attempt, p.data
FROM (
    SELECT e.job_id, e.version, e.kind, e.time, e.attempt, e.data,
        octet_length(e.data) AS bytes,
        sum(octet_length(e.data)) OVER (ORDER BY e.version ROWS UNBOUNDED PRECEDING) AS bytes_so_far
    FROM events AS e
    WHERE e.job_id = $1 AND e.version > $2
    ORDER BY e.version
    LIMIT $3
) AS p
WHERE p.bytes_so_far <= $4 OR p.bytes_so_far = p.bytes
ORDER BY p.version

--@ select_heads
SELECT id, tenant, traceparent, version, state, overdue_at <= assay_now() AS is_late
FROM jobs
WHERE id = ANY ($1)

--@ select_key_owners
SELECT job_id, tenant
FROM idempotency
WHERE job_id = ANY ($1)

--@ select_logs
SELECT job_id, version, kind, time, attempt, data
FROM events
WHERE job_id = ANY ($1)
ORDER BY job_id, version

--@ select_now
SELECT assay_now() AS now

--@ select_passages
SELECT document_id, page, heading, table_head, text
FROM passages
WHERE document_id = ANY ($1)
ORDER BY document_id, ordinal

--@ select_records
SELECT
    j.id, j.tenant, j.traceparent, j.max_attempts, j.priority, j.created_at, j.deadline_at,
    j.queue_deadline_at, j.state, j.state_since, j.epoch, j.version, j.write_no, j.worker,
    j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.crash_count, j.started_at,
    j.overdue_at, j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.expires_at, j.model_calls, j.tool_calls, j.input_tokens,
    j.output_tokens, j.cost_usd, j.admitted,
    EXISTS (SELECT 1 FROM job_inputs AS i WHERE i.job_id = j.id) AS has_request,
    EXISTS (SELECT 1 FROM tombstones AS t WHERE t.job_id = j.id) AS has_tombstone,
    (SELECT w.heard_at FROM workers AS w WHERE w.incarnation = j.worker) AS holder_heard_at,
    r.result, r.error
FROM jobs AS j
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = ANY ($1)
ORDER BY j.id

--@ select_settings
SELECT
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit

--@ select_snapshot
SELECT
    j.id, j.tenant, j.traceparent, j.max_attempts, j.priority, j.created_at, j.deadline_at,
    j.queue_deadline_at, j.state, j.state_since, j.epoch, j.version, j.write_no, j.worker,
    j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.crash_count, j.started_at,
    j.overdue_at, j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.expires_at, j.model_calls, j.tool_calls, j.input_tokens,
    j.output_tokens, j.cost_usd, j.admitted,
    i.submission, i.retry_of, r.result, r.error,
    assay_now() AS read_at
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = $1 AND j.tenant = $2

--@ select_steps
SELECT
    job_id, step, ordinal, kind, state, attempt, started_at, finished_at, input_sha256,
    pipeline_version, corpus_generation, NULL::text AS output
FROM steps
WHERE job_id = ANY ($1)
ORDER BY job_id, ordinal

--@ select_submissions
SELECT job_id, submission
FROM job_inputs
WHERE job_id = ANY ($1)

--@ select_ticket_key
SELECT value
FROM secrets
WHERE name = 'ticket_key'

--@ select_tombstone
SELECT job_id
FROM tombstones
WHERE job_id = $1 AND tenant = $2

--@ select_waiting_tenants
-- One index probe a tenant, however many jobs each has. A job on its way to a worker counts like
-- a running one. In the order of turns: least under way first, and among equals behind the tenant
-- that was served last.
WITH RECURSIVE waiting (tenant) AS (
    (SELECT tenant FROM jobs WHERE admitted AND hinted_at IS NULL ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT j.tenant FROM jobs AS j
        WHERE j.admitted AND j.hinted_at IS NULL AND j.tenant > waiting.tenant
        ORDER BY j.tenant LIMIT 1)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
busy (tenant, jobs) AS (
    SELECT tenant, count(*)
    FROM (
        SELECT tenant FROM jobs WHERE state IN ('running', 'cancelling')
        UNION ALL
        SELECT tenant FROM jobs WHERE hinted_at IS NOT NULL) AS under_way
    GROUP BY tenant
)
SELECT waiting.tenant
FROM waiting
LEFT JOIN busy ON busy.tenant = waiting.tenant
CROSS JOIN refills AS r
WHERE waiting.tenant IS NOT NULL
ORDER BY
    coalesce(busy.jobs, 0),
    waiting.tenant COLLATE "C" <= r.last_tenant COLLATE "C",
    waiting.tenant COLLATE "C"

--@ select_watch
-- A missing lock proves nothing until a lease after the first sweep of a watch: so that is known.
SELECT swept_at, locks_hold_from - $1::bigint * interval '1 millisecond' AS since
FROM sweeps

--@ take_keys
-- Who finds a key that a transaction under way has taken waits for its outcome. What belongs to a
-- job that is known, or was, takes no key. Each is looked up by itself (LIMIT 1): a plan that was
-- made while the tables were small must not read them whole later.
INSERT INTO idempotency (tenant, key, fingerprint, job_id)
SELECT n.tenant, n.key, n.fingerprint, n.job_id
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])
    AS n (tenant, key, fingerprint, job_id)
WHERE (SELECT j.id FROM jobs AS j WHERE j.id = n.job_id LIMIT 1) IS NULL
    AND (SELECT t.job_id FROM tombstones AS t WHERE t.job_id = n.job_id LIMIT 1) IS NULL
    AND (SELECT t.job_id FROM tombstones AS t
        WHERE t.tenant = n.tenant AND t.key = n.key LIMIT 1) IS NULL
ORDER BY n.tenant, n.key
ON CONFLICT (tenant, key) DO NOTHING

--@ try_refilling
-- One at a time, of all processes; whoever comes second leaves it to the first.
SELECT pg_try_advisory_xact_lock(x'a55a9'::bigint) AS is_first

--@ update_jobs
-- Whatever is recorded of a job either takes it out of the queue or happens outside of it: no hint
-- is under way for it any more. The ids are asked for twice, so that however the rows are matched,
-- no others are read.
UPDATE jobs AS j SET
    state = n.state,
    state_since = n.state_since,
    epoch = n.epoch,
    version = n.version,
    write_no = n.write_no,
    worker = n.worker,
    run_at = n.run_at,
    cancel_requested_at = n.cancel_requested_at,
    attempt = n.attempt,
    failures = n.failures,
    crash_count = n.crash_count,
    started_at = n.started_at,
    overdue_at = n.overdue_at,
    pipeline_version = n.pipeline_version,
    output_chars = n.output_chars,
    queued_ms = n.queued_ms,
    running_ms = n.running_ms,
    backoff_ms = n.backoff_ms,
    last_event_at = n.last_event_at,
    expires_at = n.expires_at,
    model_calls = n.model_calls,
    tool_calls = n.tool_calls,
    input_tokens = n.input_tokens,
    output_tokens = n.output_tokens,
    cost_usd = n.cost_usd,
    admitted = n.admitted,
    hinted_at = NULL,
    hint_n = 0
FROM unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::integer[],
    $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::integer[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::timestamptz[],
    $22::integer[], $23::integer[], $24::bigint[], $25::bigint[], $26::float8[], $27::boolean[],
    $28::bigint[], $29::bigint[], $30::bigint[]
) AS n (
    id, state, state_since, epoch, version, write_no,
    worker, run_at, cancel_requested_at, attempt, failures,
    crash_count, started_at, overdue_at, pipeline_version, output_chars,
    queued_ms, running_ms, backoff_ms, last_event_at, expires_at,
    model_calls, tool_calls, input_tokens, output_tokens, cost_usd, admitted,
    read_version, read_epoch, read_write_no)
WHERE j.id = n.id AND j.id = ANY ($1)
    AND j.version = n.read_version
    AND j.epoch = n.read_epoch
    AND j.write_no = n.read_write_no
RETURNING j.id
