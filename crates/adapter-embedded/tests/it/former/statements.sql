-- The statements of the former release, by `cargo xtask freeze`. Not edited by hand.
-- commit: ba32af331865c76db86a6ad9ce34d172e331b839
-- migration: 7

--@ begin_step
-- A step that begins again is not done any more, and its checkpoint is void.
INSERT INTO steps (job_id, step, ordinal, kind, state, attempt, started_at)
VALUES (
    :job_id, :step,
    (SELECT coalesce(max(ordinal), 0) + 1 FROM steps WHERE job_id = :job_id),
    :kind, 'running', :attempt, :time)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = NULL,
    input_sha256 = NULL,
    pipeline_version = NULL,
    corpus_generation = NULL,
    output = NULL

--@ claim_document
UPDATE documents
SET epoch = :epoch, started_at = :started_at, lease_until = :lease_until
WHERE id = :id AND state = 'pending' AND lease_until IS NULL AND epoch = :epoch - 1

--@ clear_all_hints
UPDATE jobs SET hinted_at = NULL, hint_n = 0
WHERE hinted_at IS NOT NULL

--@ clear_hint
UPDATE jobs SET hinted_at = NULL, hint_n = max(hint_n - 1, 0)
WHERE id = :id AND hinted_at IS NOT NULL

--@ close_attempt
UPDATE attempts SET
    finished_at = :finished_at,
    outcome = :outcome,
    requeue_reason = :requeue_reason,
    error = :error
WHERE job_id = :job_id AND n = :n AND finished_at IS NULL

--@ count_hinted
-- Counts up to the limit only: what is beyond it changes nothing.
SELECT count(*) AS hinted
FROM (SELECT 1 FROM jobs WHERE hinted_at IS NOT NULL LIMIT :limit)

--@ delete_file
DELETE FROM document_files
WHERE document_id = :document_id

--@ delete_job
-- Everything of the job goes with its row: ON DELETE CASCADE.
DELETE FROM jobs
WHERE id = :id

--@ end_document
UPDATE documents
SET state = :state, pages = :pages, error = :error, lease_until = NULL
WHERE id = :id AND state = 'pending'

--@ end_step
-- A step may end without having begun: it was skipped, or taken over from another job.
INSERT INTO steps (job_id, step, ordinal, kind, state, attempt, started_at, finished_at)
VALUES (
    :job_id, :step,
    (SELECT coalesce(max(ordinal), 0) + 1 FROM steps WHERE job_id = :job_id),
    :kind, :state, :attempt, :time, :time)
ON CONFLICT (job_id, step) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    attempt = excluded.attempt,
    finished_at = excluded.finished_at,
    input_sha256 = NULL,
    pipeline_version = NULL,
    corpus_generation = NULL,
    output = NULL

--@ find_cancelling
SELECT id
FROM jobs
WHERE worker = :worker AND state = 'cancelling' AND state IN ('running', 'cancelling')

--@ find_expired
SELECT id
FROM jobs
WHERE expires_at <= :now
ORDER BY expires_at
LIMIT :limit

--@ find_held
SELECT id
FROM jobs
WHERE worker = :worker AND state IN ('running', 'cancelling')
LIMIT :limit

--@ find_held_documents
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE lease_until IS NOT NULL

--@ find_overdue
SELECT id
FROM jobs
WHERE overdue_at <= :now AND state IN ('queued', 'running', 'retrying', 'cancelling')
ORDER BY overdue_at
LIMIT :limit

--@ find_queue_position
-- Jobs with a hint under way go first, in the order of their hints; then the others in the order of
-- a refill. Both are cut at the limit before anything is counted, jobs that wait for their time
-- included: how long a queue is changes nothing. A job behind that has no row.
WITH hinted AS (
    SELECT
        id,
        row_number() OVER (ORDER BY hinted_at, is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, tenant, hinted_at, attempt = 0 AS is_new, priority, deadline_at
        FROM jobs
        WHERE hinted_at IS NOT NULL
        ORDER BY hinted_at
        LIMIT :limit)
    WHERE tenant = :tenant
),
unhinted AS (
    SELECT id, row_number() OVER (ORDER BY is_new, priority DESC, deadline_at, id) AS position
    FROM (
        SELECT id, attempt = 0 AS is_new, priority, deadline_at, run_at
        FROM jobs
        WHERE hinted_at IS NULL AND state IN ('queued', 'retrying') AND tenant = :tenant
        ORDER BY (attempt = 0), priority DESC, deadline_at, id
        LIMIT :limit)
    WHERE run_at IS NULL OR run_at <= :now
)
SELECT position
FROM (
    SELECT id, position FROM hinted
    UNION ALL
    SELECT id, (SELECT count(*) FROM hinted) + position FROM unhinted)
WHERE id = :id AND position <= :limit
LIMIT 1

--@ find_stale_hints
-- Each time that a job's hint was taken in vain doubles the wait, from :first_ms up to :max_ms. The
-- first line is what the index can tell.
SELECT id
FROM jobs
WHERE hinted_at <= :now - :first_ms
    AND hinted_at <= :now - min(:first_ms << min(max(hint_n - 1, 0), 20), :max_ms)
    AND overdue_at > :now
ORDER BY hinted_at, id
LIMIT :limit

--@ find_stuck_documents
-- Those whose lease passed, and those whose time is over.
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE lease_until IS NOT NULL AND lease_until <= :now
UNION
SELECT id, traceparent, started_at, lease_until, crash_count
FROM documents
WHERE state = 'pending' AND started_at IS NOT NULL AND started_at <= :begun_until
LIMIT :limit

--@ find_unhinted
SELECT id
FROM jobs
WHERE hinted_at IS NULL AND state IN ('queued', 'retrying')
    AND tenant = :tenant
    AND overdue_at > :now
    AND (run_at IS NULL OR run_at <= :now)
ORDER BY (attempt = 0), priority DESC, deadline_at, id
LIMIT :limit

--@ find_unread
-- The tenant with the fewest documents in hand is next, with its oldest document.
SELECT first.id, documents.epoch, documents.started_at, documents.media_type, documents.traceparent
FROM (
    SELECT tenant, min(id) AS id
    FROM documents
    WHERE state = 'pending' AND lease_until IS NULL
    GROUP BY tenant
) AS first
JOIN documents ON documents.id = first.id
ORDER BY (
    SELECT count(*)
    FROM documents AS held
    WHERE held.tenant = first.tenant AND held.lease_until IS NOT NULL
), first.id
LIMIT 1

--@ find_unsettled
SELECT id
FROM jobs
WHERE cancel_requested_at <= :requested_until
ORDER BY cancel_requested_at
LIMIT :limit

--@ forget_tombstones
DELETE FROM tombstones
WHERE job_id IN (
    SELECT job_id FROM tombstones WHERE forget_at <= :now ORDER BY forget_at LIMIT :limit)

--@ give_back_document
UPDATE documents
SET lease_until = NULL, crash_count = :crash_count
WHERE id = :id AND state = 'pending'

--@ insert_change
INSERT INTO corpus_changes (tenant, generation, kind, document_id)
VALUES (:tenant, :generation, 'added', :document_id)

--@ insert_document
INSERT INTO documents (
    id, tenant, state, company, company_key, title, url, published_on, media_type, content_sha256,
    bytes, traceparent, created_at, epoch, crash_count
) VALUES (
    :id, :tenant, 'pending', :company, :company_key, :title, :url, :published_on, :media_type,
    :content_sha256, :bytes, :traceparent, :created_at, 0, 0
)

--@ insert_event
INSERT INTO events (job_id, version, kind, time, attempt, data)
VALUES (:job_id, :version, :kind, :time, :attempt, :data)

--@ insert_file
INSERT INTO document_files (document_id, content)
VALUES (:document_id, :content)

--@ insert_input
INSERT INTO job_inputs (job_id, company_name, submission, retry_of)
VALUES (:job_id, :company_name, :submission, :retry_of)

--@ insert_job
INSERT INTO jobs (
    id, tenant, traceparent, max_attempts, priority, created_at, deadline_at,
    queue_deadline_at, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, crash_count, started_at, overdue_at,
    pipeline_version, output_chars, queued_ms, running_ms, backoff_ms, last_event_at,
    expires_at, model_calls, tool_calls, input_tokens, output_tokens, cost_usd, hinted_at,
    hint_n
) VALUES (
    :id, :tenant, :traceparent, :max_attempts, :priority, :created_at, :deadline_at,
    :queue_deadline_at, :state, :state_since, :epoch, :version, :write_no, :worker, :run_at,
    :cancel_requested_at, :attempt, :failures, :crash_count, :started_at, :overdue_at,
    :pipeline_version, :output_chars, :queued_ms, :running_ms, :backoff_ms, :last_event_at,
    :expires_at, :model_calls, :tool_calls, :input_tokens, :output_tokens, :cost_usd, :hinted_at,
    :hinted_at IS NOT NULL
)

--@ insert_key
INSERT INTO idempotency (tenant, key, fingerprint, job_id)
VALUES (:tenant, :key, :fingerprint, :job_id)

--@ insert_passage
INSERT INTO passages (document_id, ordinal, page, heading, table_head, text)
VALUES (:document_id, :ordinal, :page, :heading, :table_head, :text)

--@ insert_result
INSERT INTO job_results (job_id, result, error)
VALUES (:job_id, :result, :error)

--@ insert_tombstone
INSERT INTO tombstones (job_id, tenant, key, forget_at)
SELECT j.id, j.tenant, k.key, :forget_at
FROM jobs AS j
LEFT JOIN idempotency AS k ON k.job_id = j.id
WHERE j.id = :id

--@ keep_checkpoint
UPDATE steps SET
    input_sha256 = :input_sha256,
    pipeline_version = :pipeline_version,
    corpus_generation = :corpus_generation,
    output = :output
WHERE job_id = :job_id AND step = :step AND state IN ('completed', 'skipped')

--@ list_documents
SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = :tenant AND (:after IS NULL OR id > :after)
ORDER BY id
LIMIT :limit

--@ list_snapshots
SELECT
    j.id, j.tenant, j.traceparent, j.state, j.state_since, j.epoch, j.version, j.write_no,
    j.worker, j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.max_attempts,
    j.crash_count, j.priority, j.created_at, j.started_at, j.deadline_at, j.queue_deadline_at,
    j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.model_calls, j.tool_calls, j.input_tokens, j.output_tokens, j.cost_usd,
    i.submission, i.retry_of, r.result, r.error
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.tenant = :tenant
    AND (j.created_at, j.id) < (:before_created_at, :before_id)
    AND j.created_at >= :created_after
    AND j.created_at < :created_before
    AND (:state IS NULL OR j.state = :state)
    AND (:company_name IS NULL OR i.company_name = :company_name)
    AND (:key IS NULL OR j.id = (
        SELECT k.job_id FROM idempotency AS k WHERE k.tenant = :tenant AND k.key = :key))
    -- No label that is wanted is missing.
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:labels) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM json_each(i.submission, '$.labels') AS label
            WHERE label.key = wanted.key AND label.value = wanted.value))
ORDER BY j.created_at DESC, j.id DESC
LIMIT :limit

--@ mark_hinted
UPDATE jobs SET hinted_at = :now, hint_n = hint_n + 1
WHERE id = :id AND state IN ('queued', 'retrying')

--@ open_attempt
INSERT INTO attempts (job_id, n, started_at, spent_before)
VALUES (:job_id, :n, :started_at, :spent_before)

--@ page_records
-- With the length of each log: a page ends where its logs would be too long together.
SELECT j.id, (SELECT count(*) FROM events AS e WHERE e.job_id = j.id) AS events
FROM jobs AS j
WHERE j.id > :after
ORDER BY j.id
LIMIT :limit

--@ release_document
UPDATE documents
SET lease_until = NULL
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL

--@ renew_document
UPDATE documents
SET lease_until = :lease_until
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL

--@ reopen_document
-- A document that failed is pending again, as it is described now. Its epoch only ever grows.
UPDATE documents
SET state = 'pending', company = :company, title = :title, url = :url,
    published_on = :published_on, media_type = :media_type, traceparent = :traceparent,
    started_at = NULL, crash_count = 0, error = NULL
WHERE id = :id AND state = 'failed'

--@ select_attempts
SELECT n, started_at, finished_at, outcome, requeue_reason, error, spent_before
FROM attempts
WHERE job_id = :job_id
ORDER BY n

--@ select_changes
SELECT generation, kind, document_id
FROM corpus_changes
WHERE tenant = :tenant AND generation > :after
ORDER BY generation
LIMIT :limit

--@ select_checkpoints
SELECT step, input_sha256, pipeline_version, corpus_generation, output
FROM steps
WHERE job_id = :job_id AND output IS NOT NULL
ORDER BY ordinal

--@ select_corpus_head
SELECT
    coalesce(max(generation), 0) AS generation,
    (SELECT document_id FROM corpus_changes WHERE tenant = :tenant AND generation = 1) AS origin
FROM corpus_changes
WHERE tenant = :tenant

--@ select_document
SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE id = :id

--@ select_document_by_content
SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = :tenant AND company_key = :company_key AND content_sha256 = :content_sha256

--@ select_document_of_tenant
SELECT id, state, company, title, url, published_on, content_sha256, bytes, pages, created_at, error
FROM documents
WHERE tenant = :tenant AND id = :id

--@ select_events
SELECT version, kind, time, attempt, data
FROM events
WHERE job_id = :job_id AND version > :after
ORDER BY version
LIMIT :limit

--@ select_file
SELECT content
FROM document_files
WHERE document_id = :document_id

--@ select_head
SELECT tenant, traceparent, version, state, overdue_at
FROM jobs
WHERE id = :id

--@ select_held_document
SELECT tenant
FROM documents
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL

--@ select_holders
SELECT DISTINCT worker
FROM jobs
WHERE state IN ('running', 'cancelling')

--@ select_job
SELECT
    id, tenant, traceparent, state, state_since, epoch, version, write_no, worker, run_at,
    cancel_requested_at, attempt, failures, max_attempts, crash_count, priority, created_at,
    started_at, deadline_at, queue_deadline_at, pipeline_version, output_chars, queued_ms,
    running_ms, backoff_ms, last_event_at, model_calls, tool_calls, input_tokens,
    output_tokens, cost_usd
FROM jobs
WHERE id = :id

--@ select_key
SELECT job_id, fingerprint
FROM idempotency
WHERE tenant = :tenant AND key = :key

--@ select_key_owners
SELECT tenant
FROM idempotency
WHERE job_id = :job_id

--@ select_log
SELECT version, kind, time, attempt, data
FROM events
WHERE job_id = :job_id
ORDER BY version

--@ select_passages
SELECT page, heading, table_head, text
FROM passages
WHERE document_id = :document_id
ORDER BY ordinal

--@ select_record
SELECT
    j.id, j.tenant, j.traceparent, j.state, j.state_since, j.epoch, j.version, j.write_no,
    j.worker, j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.max_attempts,
    j.crash_count, j.priority, j.created_at, j.started_at, j.deadline_at, j.queue_deadline_at,
    j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.model_calls, j.tool_calls, j.input_tokens, j.output_tokens, j.cost_usd,
    EXISTS (SELECT 1 FROM job_inputs AS i WHERE i.job_id = j.id) AS has_request,
    EXISTS (SELECT 1 FROM tombstones AS t WHERE t.job_id = j.id) AS has_tombstone,
    r.result, r.error
FROM jobs AS j
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = :id

--@ select_snapshot
SELECT
    j.id, j.tenant, j.traceparent, j.state, j.state_since, j.epoch, j.version, j.write_no,
    j.worker, j.run_at, j.cancel_requested_at, j.attempt, j.failures, j.max_attempts,
    j.crash_count, j.priority, j.created_at, j.started_at, j.deadline_at, j.queue_deadline_at,
    j.pipeline_version, j.output_chars, j.queued_ms, j.running_ms, j.backoff_ms,
    j.last_event_at, j.model_calls, j.tool_calls, j.input_tokens, j.output_tokens, j.cost_usd,
    i.submission, i.retry_of, r.result, r.error
FROM jobs AS j
JOIN job_inputs AS i ON i.job_id = j.id
LEFT JOIN job_results AS r ON r.job_id = j.id
WHERE j.id = :id AND j.tenant = :tenant

--@ select_steps
SELECT step, kind, state, attempt, started_at, finished_at
FROM steps
WHERE job_id = :job_id
ORDER BY ordinal

--@ select_submission
SELECT submission
FROM job_inputs
WHERE job_id = :job_id

--@ select_ticket_key
SELECT value
FROM secrets
WHERE name = 'ticket_key'

--@ select_tombstone
SELECT job_id
FROM tombstones
WHERE job_id = :job_id

--@ select_tombstone_by_key
SELECT job_id
FROM tombstones
WHERE tenant = :tenant AND key = :key

--@ select_tombstone_of_tenant
SELECT job_id
FROM tombstones
WHERE job_id = :job_id AND tenant = :tenant

--@ select_waiting_tenants
-- One index probe a tenant, however many jobs each has. A job on its way to a worker counts like
-- a running one.
WITH RECURSIVE waiting (tenant) AS (
    SELECT min(tenant)
    FROM jobs
    WHERE hinted_at IS NULL AND state IN ('queued', 'retrying')
    UNION ALL
    SELECT (
        SELECT min(j.tenant)
        FROM jobs AS j
        WHERE j.hinted_at IS NULL AND j.state IN ('queued', 'retrying')
            AND j.tenant > waiting.tenant)
    FROM waiting
    WHERE waiting.tenant IS NOT NULL
),
busy (tenant, jobs) AS (
    SELECT tenant, count(*)
    FROM (
        SELECT tenant FROM jobs WHERE state IN ('running', 'cancelling')
        UNION ALL
        SELECT tenant FROM jobs WHERE hinted_at IS NOT NULL)
    GROUP BY tenant
)
SELECT waiting.tenant AS tenant, coalesce(busy.jobs, 0) AS busy
FROM waiting
LEFT JOIN busy ON busy.tenant = waiting.tenant
WHERE waiting.tenant IS NOT NULL

--@ update_job
-- Whatever is recorded of a job either takes it out of the queue or happens outside of it: no hint
-- is under way for it any more.
UPDATE jobs SET
    state = :state,
    state_since = :state_since,
    epoch = :epoch,
    version = :version,
    write_no = :write_no,
    worker = :worker,
    run_at = :run_at,
    cancel_requested_at = :cancel_requested_at,
    attempt = :attempt,
    failures = :failures,
    crash_count = :crash_count,
    started_at = :started_at,
    overdue_at = :overdue_at,
    pipeline_version = :pipeline_version,
    output_chars = :output_chars,
    queued_ms = :queued_ms,
    running_ms = :running_ms,
    backoff_ms = :backoff_ms,
    last_event_at = :last_event_at,
    expires_at = :expires_at,
    model_calls = :model_calls,
    tool_calls = :tool_calls,
    input_tokens = :input_tokens,
    output_tokens = :output_tokens,
    cost_usd = :cost_usd,
    hinted_at = NULL,
    hint_n = 0
WHERE id = :id AND version = :read_version AND epoch = :read_epoch AND write_no = :read_write_no
