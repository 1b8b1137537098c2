//! Everything that is kept of jobs, for whoever checks it.

use async_trait::async_trait;
use contracts::event::LogEntry;
use contracts::{JobId, TenantId};
use engine::job::spent_each;
use engine::ports::{JobRecord, JobRecords, RecordPage, StoreError, StoredRecord};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::read::{self, EventRow};
use super::row::{JobAndHolder, JobRow, job_id};
use super::worker::read_checkpoints;
use crate::data_dir::DataDir;
use crate::database::{OpenError, Readers, open_at_rest};
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::store::Store;

/// Events of a page, unless its first job alone has more.
const EVENTS_MAX: i64 = 4_000;

/// The jobs of a file, to be read alone: [`engine::ports::JobRecords`].
///
/// A page has no watch: whoever reads here either owns the directory, so that no process sweeps,
/// or is that process itself.
pub struct Records {
    readers: Readers,
    /// Ours while nobody else's.
    _dir: Option<DataDir>,
}

impl Records {
    /// Opens the directory's database as it is: no job is given back.
    ///
    /// # Errors
    /// [`OpenError`], also if there is no database.
    pub fn open(dir: DataDir) -> Result<Self, OpenError> {
        Ok(Self { readers: open_at_rest(&dir.database())?, _dir: Some(dir) })
    }

    /// The records of a store that is in use.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self { readers: store.readers().clone(), _dir: None }
    }

    async fn read(
        &self,
        ids: impl FnOnce(&Connection) -> Result<Vec<JobId>, Fault> + Send + 'static,
    ) -> Result<RecordPage, StoreError> {
        let read = move |connection: &Connection| {
            let records = ids(connection)?.into_iter().map(|id| record(connection, id));
            let records = records.filter_map(Result::transpose).collect::<Result<_, _>>()?;
            Ok(RecordPage { records, watch: None })
        };
        self.readers.read(read).await
    }
}

#[async_trait]
impl JobRecords for Records {
    async fn page(&self, after: Option<JobId>, limit: usize) -> Result<RecordPage, StoreError> {
        self.read(move |connection| fitting(connection, after, limit)).await
    }

    async fn again(&self, ids: &[JobId]) -> Result<RecordPage, StoreError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        self.read(move |_| Ok(ids)).await
    }
}

/// The jobs that fit into a page.
fn fitting(
    connection: &Connection,
    after: Option<JobId>,
    limit: usize,
) -> Result<Vec<JobId>, Fault> {
    let mut select = connection.prepare_cached(sql::PAGE_RECORDS)?;
    let mut rows = select.query(named_params! {
        ":after": after.map_or([0; 16], |id| id.as_uuid().into_bytes()),
        ":limit": to_stored(limit as u64, "limit")?,
    })?;
    let (mut ids, mut events) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        events += row.get::<_, i64>("events")?;
        if events > EVENTS_MAX && !ids.is_empty() {
            break;
        }
        ids.push(job_id(row.get("id")?));
    }
    Ok(ids)
}

/// A value that cannot be read is a finding about its job, not the end of the reading.
fn record(connection: &Connection, id: JobId) -> Result<Option<StoredRecord>, Fault> {
    match read_record(connection, id) {
        Ok(record) => Ok(record.map(|record| StoredRecord::Read(Box::new(record)))),
        Err(fault) if fault.is_of_a_value() => {
            Ok(Some(StoredRecord::Unreadable { id, reason: fault.to_string() }))
        }
        Err(fault) => Err(fault),
    }
}

fn read_record(connection: &Connection, id: JobId) -> Result<Option<JobRecord>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_RECORD)?;
    let row = select
        .query_row(named_params! { ":id": id.as_uuid().as_bytes() }, RecordRow::read)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let checkpoints = read_checkpoints(connection, id)?;
    let JobAndHolder { job, usage, .. } = row.job.into_domain()?;
    Ok(Some(JobRecord {
        job,
        has_request: row.has_request,
        log: log(connection, id)?,
        attempts: spent_each(read::attempts(connection, id)?, usage),
        steps: read::steps(connection, id)?,
        checkpoints: checkpoints.into_iter().map(|checkpoint| checkpoint.step).collect(),
        result: row.result.as_deref().map(serde_json::from_str).transpose()?,
        error: row.error.as_deref().map(serde_json::from_str).transpose()?,
        key_owners: key_owners(connection, id)?,
        has_tombstone: row.has_tombstone,
        holder_heard_at: None,
    }))
}

struct RecordRow {
    job: JobRow,
    has_request: bool,
    has_tombstone: bool,
    result: Option<String>,
    error: Option<String>,
}

impl RecordRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            job: JobRow::read(row)?,
            has_request: row.get("has_request")?,
            has_tombstone: row.get("has_tombstone")?,
            result: row.get("result")?,
            error: row.get("error")?,
        })
    }
}

fn log(connection: &Connection, id: JobId) -> Result<Vec<LogEntry>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_LOG)?;
    let rows =
        select.query_map(named_params! { ":job_id": id.as_uuid().as_bytes() }, EventRow::read)?;
    rows.map(|row| row?.into_domain()).collect()
}

fn key_owners(connection: &Connection, id: JobId) -> Result<Vec<TenantId>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_KEY_OWNERS)?;
    let tenants = select
        .query_map(named_params! { ":job_id": id.as_uuid().as_bytes() }, |row| {
            row.get::<_, String>("tenant")
        })?;
    tenants.map(|tenant| tenant?.parse().map_err(|_| Fault::Corrupt("tenant"))).collect()
}
