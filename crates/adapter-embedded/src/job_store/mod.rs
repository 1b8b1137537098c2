//! Jobs in SQLite.
//!
//! Every change of a job is: read the row, let [`engine::job::Job::change`] decide, write the row
//! and all that follows from the events. SQL searches; it decides nothing.

mod cancel;
mod delete;
mod leases;
mod read;
mod record;
mod records;
mod refill;
mod row;
mod submit;
mod sweep;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use contracts::{Hint, JobId, TenantId, WorkerId};
use engine::ports::{
    Backlog, Cancelled, Claimed, Deletion, JobFilter, JobStore, LogHead, LogLimit, LogSlice,
    NewJob, PageCursor, Refill, Renewal, Snapshot, StepRecord, StoreError, Submitted, Swept, Write,
    Written,
};
use rusqlite::named_params;

use crate::sql;
use crate::store::Store;

pub(crate) use leases::Leases;
pub use records::Records;
pub(crate) use refill::LastServed;
pub(crate) use sweep::recover;

#[async_trait]
impl JobStore for Store {
    async fn submit(&self, new: NewJob) -> Result<Submitted, StoreError> {
        self.writer().write(move |tx| submit::submit(tx, &new)).await
    }

    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        match self.snapshot(tenant, id).await? {
            Some(snapshot) if snapshot.job.is_overdue(snapshot.read_at) => {
                self.writer().write(move |tx| cancel::end_if_overdue(tx, id)).await?;
                self.snapshot(tenant, id).await
            }
            found => Ok(found),
        }
    }

    async fn queue_position(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<u32>, StoreError> {
        let (tenant, now) = (tenant.clone(), self.now());
        let find = move |connection: &_| read::queue_position(connection, &tenant, id, now);
        self.readers().read(find).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        let listing = read::Listing { tenant, filter, cursor, limit };
        let now = self.now();
        self.readers().read(move |connection| listing.read(connection, now)).await
    }

    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: LogLimit,
    ) -> Result<Option<LogSlice>, StoreError> {
        let (tenant, now) = (tenant.clone(), self.now());
        let read = move |connection: &_| read::log(connection, &tenant, id, (after, limit), now);
        self.readers().read(read).await
    }

    async fn checkpoints(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<Vec<StepRecord>>, StoreError> {
        let tenant = tenant.clone();
        let read = move |connection: &_| {
            if read::is_of_tenant(connection, &tenant, id)? {
                worker::read_checkpoints(connection, id).map(Some)
            } else {
                Ok(None)
            }
        };
        self.readers().read(read).await
    }

    async fn heads(&self, ids: &[JobId]) -> Result<Vec<LogHead>, StoreError> {
        let ids = ids.to_vec();
        self.readers().read(move |connection| read::heads(connection, &ids)).await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Option<Cancelled>, StoreError> {
        let tenant = tenant.clone();
        self.writer().write(move |tx| cancel::cancel(tx, &tenant, id, reason)).await
    }

    async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<Deletion, StoreError> {
        let tenant = tenant.clone();
        self.writer().write(move |tx| delete::delete_ended(tx, &tenant, id)).await
    }

    async fn is_gone(&self, tenant: &TenantId, id: JobId) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| delete::is_gone(connection, &tenant, id)).await
    }

    async fn claim(
        &self,
        id: JobId,
        worker: WorkerId,
        pipelines: &[u32],
    ) -> Result<Option<Claimed>, StoreError> {
        let (leases, pipelines) = (self.leases().clone(), pipelines.to_vec());
        self.writer().write(move |tx| worker::claim(tx, &leases, id, worker, &pipelines)).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.writer().write(move |tx| worker::write(tx, write)).await
    }

    async fn renew(&self, worker: WorkerId, pipelines: &[u32]) -> Result<Renewal, StoreError> {
        self.leases().hear(worker, pipelines, self.now());
        let read = move |connection: &rusqlite::Connection| {
            let mut select = connection.prepare_cached(sql::FIND_CANCELLING)?;
            let ids = select
                .query_map(named_params! { ":worker": worker.as_uuid().as_bytes() }, |row| {
                    row.get("id").map(row::job_id)
                })?;
            Ok(ids.collect::<Result<_, _>>()?)
        };
        Ok(Renewal { cancelling: self.readers().read(read).await? })
    }

    async fn retire(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.leases().forget(worker);
        Ok(())
    }

    async fn refill(&self, refill: Refill) -> Result<Vec<Hint>, StoreError> {
        let last_served = self.last_served().clone();
        self.writer().write(move |tx| refill::refill(tx, &last_served, refill)).await
    }

    async fn backlog(&self, limit: usize) -> Result<Backlog, StoreError> {
        let now = self.now();
        self.readers().read(move |connection| read::backlog(connection, limit, now)).await
    }

    async fn unhint(&self, hints: &[Hint]) -> Result<(), StoreError> {
        let hints = hints.to_vec();
        self.writer().write(move |tx| refill::unhint(tx, &hints)).await
    }

    async fn sweep(&self, lease: Duration, limit: usize) -> Result<Swept, StoreError> {
        let leases = self.leases().clone();
        let swept = self.writer().write(move |tx| sweep::sweep(tx, &leases, lease, limit)).await?;
        let mut committed = self.late_news().take();
        committed.extend(swept.committed);
        Ok(Swept { committed, more: swept.more })
    }
}

impl Store {
    async fn snapshot(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        let (tenant, now) = (tenant.clone(), self.now());
        self.readers().read(move |connection| read::snapshot(connection, &tenant, id, now)).await
    }
}
