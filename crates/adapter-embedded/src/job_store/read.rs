//! What a client sees: jobs, lists, logs.

use std::time::Duration;

use contracts::event::LogEntry;
use contracts::job::{Attempt, Step, Usage};
use contracts::limits::QUEUE_POSITION_MAX;
use contracts::{Event, JobId, JobState, TenantId, Timestamp, TraceContext};
use engine::job::spent_each;
use engine::ports::{Backlog, JobFilter, LogHead, LogLimit, LogSlice, PageCursor, Snapshot};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::row::{JobRow, job_id, time};
use crate::fault::{Fault, from_stored, to_stored};
use crate::names::{OUTCOMES, REQUEUE_REASONS, STEP_KINDS, STEP_STATES, value};
use crate::sql;

pub(crate) fn snapshot(
    connection: &Connection,
    tenant: &TenantId,
    id: JobId,
    now: Timestamp,
) -> Result<Option<Snapshot>, Fault> {
    let parameters = named_params! { ":id": id.as_uuid().as_bytes(), ":tenant": tenant.as_str() };
    let row = connection
        .prepare_cached(sql::SELECT_SNAPSHOT)?
        .query_row(parameters, SnapshotRow::read)
        .optional()?;
    row.map(|row| row.into_domain(connection, now)).transpose()
}

pub(crate) fn queue_position(
    connection: &Connection,
    tenant: &TenantId,
    id: JobId,
    now: Timestamp,
) -> Result<Option<u32>, Fault> {
    let mut find = connection.prepare_cached(sql::FIND_QUEUE_POSITION)?;
    let position = find.query_row(
        named_params! {
            ":id": id.as_uuid().as_bytes(),
            ":tenant": tenant.as_str(),
            ":now": now.as_millis(),
            ":limit": QUEUE_POSITION_MAX,
        },
        |row| row.get("position"),
    );
    Ok(position.optional()?)
}

pub(crate) fn backlog(
    connection: &Connection,
    limit: usize,
    now: Timestamp,
) -> Result<Backlog, Fault> {
    let mut count = connection.prepare_cached(sql::COUNT_BACKLOG)?;
    let limit: i64 = to_stored(limit as u64, "limit")?;
    let parameters = named_params! { ":limit": limit, ":now": now.as_millis() };
    let (counts, due_since) = count.query_row(parameters, |row| {
        let counts: [i64; 3] = [row.get("due")?, row.get("held")?, row.get("backing_off")?];
        let due_since: Option<i64> = row.get("due_since")?;
        Ok((counts, due_since.map(Timestamp::from_millis)))
    })?;
    let [due, held, backing_off] =
        counts.map(|count| usize::try_from(count).map_err(|_| Fault::Corrupt("count")));
    Ok(Backlog {
        due: due?,
        held: held?,
        backing_off: backing_off?,
        oldest_due: due_since.map_or(Duration::ZERO, |since| now.since(since)),
    })
}

/// A list to read.
pub(crate) struct Listing {
    pub(crate) tenant: TenantId,
    pub(crate) filter: JobFilter,
    pub(crate) cursor: Option<PageCursor>,
    pub(crate) limit: usize,
}

impl Listing {
    pub(crate) fn read(
        &self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Vec<Snapshot>, Fault> {
        let Self { tenant, filter, cursor, limit } = self;
        let (before_created_at, before_id) = match cursor {
            Some(cursor) => (cursor.created_at.as_millis(), cursor.id.as_uuid().into_bytes()),
            None => (i64::MAX, [u8::MAX; 16]),
        };
        let mut select = connection.prepare_cached(sql::LIST_SNAPSHOTS)?;
        let rows = select.query_map(
            named_params! {
                ":tenant": tenant.as_str(),
                ":before_created_at": before_created_at,
                ":before_id": before_id,
                ":created_after": filter.created_after.map_or(i64::MIN, Timestamp::as_millis),
                ":created_before": filter.created_before.map_or(i64::MAX, Timestamp::as_millis),
                ":state": filter.state.map(JobState::as_str),
                ":company_name": filter.company_name,
                ":key": filter.idempotency_key,
                ":labels": serde_json::to_string(&filter.labels)?,
                ":limit": to_stored(*limit as u64, "limit")?,
            },
            SnapshotRow::read,
        )?;
        rows.map(|row| row?.into_domain(connection, now)).collect()
    }
}

pub(crate) fn log(
    connection: &Connection,
    tenant: &TenantId,
    id: JobId,
    (after, limit): (u64, LogLimit),
    now: Timestamp,
) -> Result<Option<LogSlice>, Fault> {
    let Some(head) = Head::find(connection, id)?.filter(|head| head.tenant == tenant.as_str())
    else {
        return Ok(None);
    };
    let trace: TraceContext = head.traceparent.parse().map_err(|_| Fault::Corrupt("trace"))?;
    let mut select = connection.prepare_cached(sql::SELECT_EVENTS)?;
    let rows = select.query_map(
        named_params! {
            ":job_id": id.as_uuid().as_bytes(),
            // No log is that long: what is beyond it is beyond this, too.
            ":after": i64::try_from(after).unwrap_or(i64::MAX),
            ":limit": to_stored(limit.events as u64, "limit")?,
        },
        EventRow::read,
    )?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let row = row?;
        bytes += row.data.len();
        if bytes > limit.bytes && !events.is_empty() {
            break;
        }
        events.push(Event::from_entry(id, trace, row.into_domain()?));
    }
    let is_late = head.overdue_at <= now.as_millis();
    let LogHead { version, ended, .. } = head.into_domain(id)?;
    Ok(Some(LogSlice { events, head: version, ended, overdue: is_late && !ended }))
}

/// Whether the tenant has a job with this id.
pub(crate) fn is_of_tenant(
    connection: &Connection,
    tenant: &TenantId,
    id: JobId,
) -> Result<bool, Fault> {
    Ok(Head::find(connection, id)?.is_some_and(|head| head.tenant == tenant.as_str()))
}

pub(crate) fn heads(connection: &Connection, ids: &[JobId]) -> Result<Vec<LogHead>, Fault> {
    let mut heads = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(head) = Head::find(connection, *id)? {
            heads.push(head.into_domain(*id)?);
        }
    }
    Ok(heads)
}

struct Head {
    tenant: String,
    traceparent: String,
    version: i64,
    state: String,
    overdue_at: i64,
}

impl Head {
    fn find(connection: &Connection, id: JobId) -> Result<Option<Self>, Fault> {
        let mut select = connection.prepare_cached(sql::SELECT_HEAD)?;
        let head = select.query_row(named_params! { ":id": id.as_uuid().as_bytes() }, |row| {
            Ok(Self {
                tenant: row.get("tenant")?,
                traceparent: row.get("traceparent")?,
                version: row.get("version")?,
                state: row.get("state")?,
                overdue_at: row.get("overdue_at")?,
            })
        });
        Ok(head.optional()?)
    }

    fn into_domain(self, id: JobId) -> Result<LogHead, Fault> {
        let state = JobState::from_name(&self.state).ok_or(Fault::Corrupt("state"))?;
        let version = from_stored(self.version, "version")?;
        Ok(LogHead { id, version, ended: state.is_terminal() })
    }
}

pub(super) struct EventRow {
    version: i64,
    kind: String,
    time: i64,
    attempt: u32,
    data: String,
}

impl EventRow {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            version: row.get("version")?,
            kind: row.get("kind")?,
            time: row.get("time")?,
            attempt: row.get("attempt")?,
            data: row.get("data")?,
        })
    }

    pub(super) fn into_domain(self) -> Result<LogEntry, Fault> {
        Ok(LogEntry {
            version: from_stored(self.version, "version")?,
            time: time(self.time),
            attempt: self.attempt,
            kind: self.kind,
            data: serde_json::from_str(&self.data)?,
        })
    }
}

struct SnapshotRow {
    job: JobRow,
    submission: String,
    retry_of: Option<[u8; 16]>,
    result: Option<String>,
    error: Option<String>,
}

impl SnapshotRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: JobRow::read(row)?,
            submission: row.get("submission")?,
            retry_of: row.get("retry_of")?,
            result: row.get("result")?,
            error: row.get("error")?,
        })
    }

    fn into_domain(self, connection: &Connection, now: Timestamp) -> Result<Snapshot, Fault> {
        let stored = self.job.into_domain()?;
        let id = stored.job.id;
        Ok(Snapshot {
            // What was recorded is past, whatever the clock says.
            read_at: now.max(stored.job.last_event_at),
            job: stored.job,
            submission: serde_json::from_str(&self.submission)?,
            retry_of: self.retry_of.map(job_id),
            attempts: spent_each(attempts(connection, id)?, stored.usage),
            steps: steps(connection, id)?,
            result: self.result.as_deref().map(serde_json::from_str).transpose()?,
            error: self.error.as_deref().map(serde_json::from_str).transpose()?,
            usage: stored.usage,
        })
    }
}

/// The attempts of a job, each with what the job had spent when it began.
pub(super) fn attempts(
    connection: &Connection,
    id: JobId,
) -> Result<Vec<(Attempt, Option<Usage>)>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_ATTEMPTS)?;
    let mut rows = select.query(named_params! { ":job_id": id.as_uuid().as_bytes() })?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let outcome: Option<String> = row.get("outcome")?;
        let reason: Option<String> = row.get("requeue_reason")?;
        let error: Option<String> = row.get("error")?;
        let spent_before: Option<String> = row.get("spent_before")?;
        let spent_before = spent_before.as_deref().map(serde_json::from_str).transpose()?;
        let attempt = Attempt {
            attempt: row.get("n")?,
            started_at: time(row.get("started_at")?),
            finished_at: row.get::<_, Option<i64>>("finished_at")?.map(time),
            outcome: outcome.map(|word| value(OUTCOMES, &word, "outcome")).transpose()?,
            error: error.as_deref().map(serde_json::from_str).transpose()?,
            // It is only shown: one of a later release is left out.
            requeue_reason: reason
                .and_then(|word| value(REQUEUE_REASONS, &word, "requeue reason").ok()),
            usage: None,
        };
        attempts.push((attempt, spent_before));
    }
    Ok(attempts)
}

pub(super) fn steps(connection: &Connection, id: JobId) -> Result<Vec<Step>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_STEPS)?;
    let mut rows = select.query(named_params! { ":job_id": id.as_uuid().as_bytes() })?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get("kind")?;
        let state: String = row.get("state")?;
        steps.push(Step {
            step: row.get("step")?,
            kind: value(STEP_KINDS, &kind, "kind of step")?,
            state: value(STEP_STATES, &state, "state of a step")?,
            attempt: row.get("attempt")?,
            started_at: time(row.get("started_at")?),
            finished_at: row.get::<_, Option<i64>>("finished_at")?.map(time),
        });
    }
    Ok(steps)
}
