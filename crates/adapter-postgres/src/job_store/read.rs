//! What a client sees: jobs, lists, logs.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use contracts::event::LogEntry;
use contracts::job::{Attempt, Step, Usage};
use contracts::limits::QUEUE_POSITION_MAX;
use contracts::{Event, JobId, JobState, TenantId, Timestamp, TraceContext};
use engine::job::spent_each;
use engine::ports::{
    Backlog, JobFilter, LogHead, LogLimit, LogSlice, PageCursor, Snapshot, StepRecord,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::changes::checkpoint;
use super::fold::StepRow;
use super::log::EventRow;
use super::row::JobAndHolder;
use crate::database::{Database, Parameter, Query, Rows, Unfinished, first};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;
use crate::value::{ReadRow as _, Time, from_word};

pub(crate) async fn snapshot(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
) -> Result<Option<Snapshot>, Fault> {
    let (id, tenant) = (*id.as_uuid(), tenant.as_str());
    let ids = [id];
    let ids = &ids.as_slice();
    let queries = vec![
        Query::new(sql::SELECT_SNAPSHOT, [&id as Parameter<'_>, &tenant]),
        Query::new(sql::SELECT_ATTEMPTS, [ids as Parameter<'_>]),
        Query::new(sql::SELECT_STEPS, [ids as Parameter<'_>]),
    ];
    let rows = database.read(queries).await?;
    let [snapshots, attempts, steps] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    Ok(Snapshots { attempts, steps }.read(snapshots)?.pop())
}

pub(crate) async fn queue_position(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
) -> Result<Option<u32>, Fault> {
    let (id, tenant, last) = (*id.as_uuid(), tenant.as_str(), i64::from(QUEUE_POSITION_MAX));
    let find = Query::new(sql::FIND_QUEUE_POSITION, [&tenant as Parameter<'_>, &id, &last]);
    let found = database.run(find).await?;
    let position = found.first().map(|row| row.try_get::<_, i64>("position")).transpose()?;
    position.map(|position| from_stored(position, "position")).transpose()
}

pub(crate) async fn backlog(database: &Database, limit: usize) -> Result<Backlog, Fault> {
    let limit: i64 = to_stored(limit, "limit")?;
    let rows = database.run(Query::new(sql::COUNT_BACKLOG, [&limit as Parameter<'_>])).await?;
    let row = rows.first().ok_or(Fault::Corrupt("answer"))?;
    let count = |name| from_stored(row.try_get::<_, i64>(name)?, "count");
    let due_since: Option<Time> = row.try_get("due_since")?;
    let Time(now) = row.try_get("now")?;
    Ok(Backlog {
        due: count("due")?,
        held: count("held")?,
        backing_off: count("backing_off")?,
        oldest_due: due_since.map_or(Duration::ZERO, |Time(since)| now.since(since)),
    })
}

/// A list to read.
pub(crate) struct Listing<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) filter: &'a JobFilter,
    pub(crate) cursor: Option<PageCursor>,
    pub(crate) limit: usize,
}

impl Listing<'_> {
    pub(crate) async fn read(&self, database: &Database) -> Result<Vec<Snapshot>, Fault> {
        let Self { tenant, filter, cursor, limit } = self;
        let last = Timestamp::from_millis(i64::MAX);
        let (created_at, id) =
            cursor.map_or((last, Uuid::max()), |cursor| (cursor.created_at, *cursor.id.as_uuid()));
        let (before, tenant) = (Time(created_at), tenant.as_str());
        let (after, until) = (filter.created_after.map(Time), filter.created_before.map(Time));
        let state = filter.state.map(JobState::as_str);
        let labels = labels(&filter.labels)?;
        let limit: i64 = to_stored(*limit, "limit")?;
        let parameters: [Parameter<'_>; 10] = [
            &tenant,
            &before,
            &id,
            &after,
            &until,
            &state,
            &filter.company_name,
            &filter.idempotency_key,
            &labels,
            &limit,
        ];
        let list = Query::new(sql::LIST_SNAPSHOTS, parameters);
        let (transaction, rows) = database.begin_reading(vec![list]).await?;
        let listed = first(rows);
        let ids = listed.iter().map(|row| row.try_get("id")).collect::<Result<Vec<Uuid>, _>>()?;
        let beside = vec![
            Query::new(sql::SELECT_ATTEMPTS, [&ids as Parameter<'_>]),
            Query::new(sql::SELECT_STEPS, [&ids as Parameter<'_>]),
        ];
        let rows = transaction.commit(beside).await.map_err(Unfinished::into_fault)?;
        let [attempts, steps] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
        Snapshots { attempts, steps }.read(&listed)
    }
}

pub(crate) async fn log(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
    after: u64,
    limit: LogLimit,
) -> Result<Option<LogSlice>, Fault> {
    let (job_id, ids) = (*id.as_uuid(), [*id.as_uuid()]);
    let ids = &ids.as_slice();
    // No log is that long: what is beyond it is beyond this, too.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let events: i64 = to_stored(limit.events, "limit")?;
    let bytes = i64::try_from(limit.bytes).unwrap_or(i64::MAX);
    let queries = vec![
        Query::new(sql::SELECT_HEADS, [ids as Parameter<'_>]),
        Query::new(sql::SELECT_EVENTS, [&job_id as Parameter<'_>, &after, &events, &bytes]),
    ];
    let rows = database.read(queries).await?;
    let [heads, events] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    let Some(head) = heads.first().map(Head::read).transpose()? else { return Ok(None) };
    if head.tenant != tenant.as_str() {
        return Ok(None);
    }
    let events = events
        .iter()
        .map(|row| Ok(Event::from_entry(id, head.trace, entry(EventRow::read(row)?)?)));
    let events = events.collect::<Result<Vec<_>, Fault>>()?;
    let LogHead { version, ended, .. } = head.head;
    Ok(Some(LogSlice { events, head: version, ended, overdue: head.is_late && !ended }))
}

pub(crate) async fn checkpoints(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
) -> Result<Option<Vec<StepRecord>>, Fault> {
    let ids = [*id.as_uuid()];
    let ids = &ids.as_slice();
    let queries = vec![
        Query::new(sql::SELECT_HEADS, [ids as Parameter<'_>]),
        Query::new(sql::SELECT_CHECKPOINTS, [ids as Parameter<'_>]),
    ];
    let rows = database.read(queries).await?;
    let [heads, checkpoints] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    let head = heads.first().map(Head::read).transpose()?;
    if head.is_none_or(|head| head.tenant != tenant.as_str()) {
        return Ok(None);
    }
    checkpoints.iter().map(checkpoint).collect::<Result<_, _>>().map(Some)
}

pub(crate) async fn heads(database: &Database, ids: &[JobId]) -> Result<Vec<LogHead>, Fault> {
    let ids: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = database.run(Query::new(sql::SELECT_HEADS, [&ids as Parameter<'_>])).await?;
    rows.iter().map(|row| Ok(Head::read(row)?.head)).collect()
}

/// Each label as the JSON of the pair (name, value).
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Result<Vec<String>, Fault> {
    Ok(labels.iter().map(|pair| serde_json::to_string(&pair)).collect::<Result<_, _>>()?)
}

struct Head {
    tenant: String,
    trace: TraceContext,
    head: LogHead,
    /// The time has passed at which somebody must end the job, if it has not ended.
    is_late: bool,
}

impl Head {
    fn read(row: &Row) -> Result<Self, Fault> {
        let (state, trace): (String, String) = (row.try_get("state")?, row.try_get("traceparent")?);
        let state = JobState::from_name(&state).ok_or(Fault::Corrupt("state"))?;
        let version: i64 = row.try_get("version")?;
        Ok(Self {
            tenant: row.try_get("tenant")?,
            trace: trace.parse().map_err(|_| Fault::Corrupt("trace"))?,
            head: LogHead {
                id: JobId::from_uuid(row.try_get("id")?),
                version: from_stored(version, "version")?,
                ended: state.is_terminal(),
            },
            is_late: row.try_get("is_late")?,
        })
    }
}

pub(super) fn entry(row: EventRow) -> Result<LogEntry, Fault> {
    Ok(LogEntry {
        version: from_stored(row.version, "version")?,
        time: row.time.0,
        attempt: from_stored(row.attempt, "attempt")?,
        kind: row.kind,
        data: serde_json::from_str(&row.data)?,
    })
}

/// What stands beside the rows of jobs.
struct Snapshots<'a> {
    attempts: &'a Rows,
    steps: &'a Rows,
}

impl Snapshots<'_> {
    fn read(&self, jobs: &Rows) -> Result<Vec<Snapshot>, Fault> {
        let mut attempts: HashMap<Uuid, Vec<(Attempt, Option<Usage>)>> = HashMap::new();
        for row in self.attempts {
            attempts.entry(row.try_get("job_id")?).or_default().push(attempt(row)?);
        }
        let mut steps: HashMap<Uuid, Vec<Step>> = HashMap::new();
        for row in self.steps {
            steps.entry(row.try_get("job_id")?).or_default().push(step(row)?);
        }
        let snapshots = jobs.iter().map(|row| {
            let stored = JobAndHolder::read(row)?;
            let id = stored.job.id.as_uuid();
            let Time(now) = row.try_get("read_at")?;
            let submission: String = row.try_get("submission")?;
            let retry_of: Option<Uuid> = row.try_get("retry_of")?;
            let result: Option<String> = row.try_get("result")?;
            let error: Option<String> = row.try_get("error")?;
            Ok(Snapshot {
                // What was recorded is past, whatever the clock says.
                read_at: now.max(stored.job.last_event_at),
                attempts: spent_each(attempts.remove(id).unwrap_or_default(), stored.usage),
                steps: steps.remove(id).unwrap_or_default(),
                submission: serde_json::from_str(&submission)?,
                retry_of: retry_of.map(JobId::from_uuid),
                result: result.as_deref().map(serde_json::from_str).transpose()?,
                error: error.as_deref().map(serde_json::from_str).transpose()?,
                usage: stored.usage,
                job: stored.job,
            })
        });
        snapshots.collect()
    }
}

/// An attempt, with what the job had spent when it began.
pub(super) fn attempt(row: &Row) -> Result<(Attempt, Option<Usage>), Fault> {
    let n: i32 = row.try_get("n")?;
    let Time(started_at) = row.try_get("started_at")?;
    let finished_at: Option<Time> = row.try_get("finished_at")?;
    let outcome: Option<String> = row.try_get("outcome")?;
    let reason: Option<String> = row.try_get("requeue_reason")?;
    let error: Option<String> = row.try_get("error")?;
    let spent_before: Option<String> = row.try_get("spent_before")?;
    let attempt = Attempt {
        attempt: from_stored(n, "attempt")?,
        started_at,
        finished_at: finished_at.map(|Time(at)| at),
        outcome: outcome.map(|word| from_word(word, "outcome")).transpose()?,
        error: error.as_deref().map(serde_json::from_str).transpose()?,
        // It is only shown: one of a later release is left out.
        requeue_reason: reason.and_then(|word| from_word(word, "requeue reason").ok()),
        usage: None,
    };
    Ok((attempt, spent_before.as_deref().map(serde_json::from_str).transpose()?))
}

pub(super) fn step(row: &Row) -> Result<Step, Fault> {
    let row = StepRow::read(row)?;
    Ok(Step {
        step: row.step,
        kind: from_word(row.kind, "kind of step")?,
        state: from_word(row.state, "state of a step")?,
        attempt: from_stored(row.attempt, "attempt")?,
        started_at: row.started_at.0,
        finished_at: row.finished_at.map(|Time(at)| at),
    })
}
