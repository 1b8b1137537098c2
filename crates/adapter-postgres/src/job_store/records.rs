//! Everything that is kept of jobs, for whoever checks it.

use std::collections::HashMap;

use async_trait::async_trait;
use contracts::{JobId, TenantId};
use engine::job::spent_each;
use engine::ports::{JobRecord, JobRecords, RecordPage, StoreError, StoredRecord, Watch};
use engine::services::sweep::LEASE;
use tokio_postgres::Row;
use uuid::Uuid;

use super::fold::StepRow;
use super::log::EventRow;
use super::read::{attempt, entry, step};
use super::row::JobAndHolder;
use crate::database::{Parameter, Query, Rows, Transaction, Unfinished, first};
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::store::Store;
use crate::value::{ReadRow as _, Time};

/// Events of a page, unless its first job alone has more.
const EVENTS_MAX: i64 = 4_000;

#[async_trait]
impl JobRecords for Store {
    async fn page(&self, after: Option<JobId>, limit: usize) -> Result<RecordPage, StoreError> {
        let after = after.map_or(Uuid::nil(), |id| *id.as_uuid());
        let limit: i64 = to_stored(limit, "limit")?;
        let list = Query::new(sql::PAGE_RECORDS, [&after as Parameter<'_>, &limit]);
        let (transaction, rows) = self.database().begin_reading(vec![list]).await?;
        Ok(read(transaction, fitting(&first(rows))?).await?)
    }

    async fn again(&self, ids: &[JobId]) -> Result<RecordPage, StoreError> {
        let (transaction, _) = self.database().begin_reading(Vec::new()).await?;
        let ids = ids.iter().map(|id| *id.as_uuid()).collect();
        Ok(read(transaction, ids).await?)
    }
}

/// The jobs that fit into a page.
fn fitting(listed: &Rows) -> Result<Vec<Uuid>, Fault> {
    let (mut ids, mut events) = (Vec::new(), 0);
    for row in listed {
        events += row.try_get::<_, i64>("events")?;
        if events > EVENTS_MAX && !ids.is_empty() {
            break;
        }
        ids.push(row.try_get("id")?);
    }
    Ok(ids)
}

/// The records of these jobs, as the transaction sees them.
async fn read(transaction: Transaction, ids: Vec<Uuid>) -> Result<RecordPage, Fault> {
    let lease_ms: i64 = to_stored(LEASE.as_millis(), "lease")?;
    let queries = vec![
        Query::new(sql::SELECT_RECORDS, [&ids as Parameter<'_>]),
        Query::new(sql::SELECT_LOGS, [&ids as Parameter<'_>]),
        Query::new(sql::SELECT_ATTEMPTS, [&ids as Parameter<'_>]),
        Query::new(sql::SELECT_STEPS, [&ids as Parameter<'_>]),
        Query::new(sql::SELECT_KEY_OWNERS, [&ids as Parameter<'_>]),
        Query::new(sql::SELECT_WATCH, [&lease_ms as Parameter<'_>]),
    ];
    let rows = transaction.commit(queries).await.map_err(Unfinished::into_fault)?;
    let [jobs, logs, attempts, steps, keys, watches] = &rows[..] else {
        return Err(Fault::Corrupt("answer"));
    };
    let beside = Beside {
        logs: by_job(logs)?,
        attempts: by_job(attempts)?,
        steps: by_job(steps)?,
        keys: by_job(keys)?,
    };
    let records = jobs.iter().map(|row| beside.record(row)).collect::<Result<_, _>>()?;
    let watch = watches.first().map(watch).transpose()?;
    Ok(RecordPage { records, watch })
}

type RowsByJob<'a> = HashMap<Uuid, Vec<&'a Row>>;

fn by_job(rows: &Rows) -> Result<RowsByJob<'_>, Fault> {
    let mut by_job = RowsByJob::new();
    for row in rows {
        by_job.entry(row.try_get("job_id")?).or_default().push(row);
    }
    Ok(by_job)
}

fn watch(row: &Row) -> Result<Watch, Fault> {
    let (Time(since), Time(until)) = (row.try_get("since")?, row.try_get("swept_at")?);
    Ok(Watch { since, until })
}

/// What stands beside the rows of jobs.
struct Beside<'a> {
    logs: RowsByJob<'a>,
    attempts: RowsByJob<'a>,
    steps: RowsByJob<'a>,
    keys: RowsByJob<'a>,
}

impl Beside<'_> {
    /// A value that cannot be read is a finding about its job, not the end of the reading.
    fn record(&self, row: &Row) -> Result<StoredRecord, Fault> {
        let id: Uuid = row.try_get("id")?;
        Ok(match self.read(id, row) {
            Ok(record) => StoredRecord::Read(Box::new(record)),
            Err(fault) => {
                StoredRecord::Unreadable { id: JobId::from_uuid(id), reason: fault.to_string() }
            }
        })
    }

    fn read(&self, id: Uuid, row: &Row) -> Result<JobRecord, Fault> {
        let JobAndHolder { job, usage, .. } = JobAndHolder::read(row)?;
        let steps = of(&self.steps, id, StepRow::read)?;
        let checkpoints = steps.into_iter().filter(|step| step.input_sha256.is_some());
        let result: Option<String> = row.try_get("result")?;
        let error: Option<String> = row.try_get("error")?;
        let heard_at: Option<Time> = row.try_get("holder_heard_at")?;
        Ok(JobRecord {
            has_request: row.try_get("has_request")?,
            log: of(&self.logs, id, |row| entry(EventRow::read(row)?))?,
            attempts: spent_each(of(&self.attempts, id, attempt)?, usage),
            steps: of(&self.steps, id, step)?,
            checkpoints: checkpoints.map(|step| step.step).collect(),
            result: result.as_deref().map(serde_json::from_str).transpose()?,
            error: error.as_deref().map(serde_json::from_str).transpose()?,
            key_owners: of(&self.keys, id, key_owner)?,
            has_tombstone: row.try_get("has_tombstone")?,
            // The worker of the newest claim stays in the row after it let go.
            holder_heard_at: job.state.worker().and(heard_at).map(|Time(at)| at),
            job,
        })
    }
}

/// What the rows of a job say.
fn of<T, E: Into<Fault>>(
    rows: &RowsByJob<'_>,
    id: Uuid,
    read: impl Fn(&Row) -> Result<T, E>,
) -> Result<Vec<T>, Fault> {
    let rows = rows.get(&id).into_iter().flatten();
    rows.map(|row| read(row).map_err(Into::into)).collect()
}

fn key_owner(row: &Row) -> Result<TenantId, Fault> {
    let tenant: String = row.try_get("tenant")?;
    tenant.parse().map_err(|_| Fault::Corrupt("tenant"))
}
