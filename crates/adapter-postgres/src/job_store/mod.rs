//! Jobs in PostgreSQL.
//!
//! Every change of a job is: lock the row, let [`engine::job::Job::change`] decide, write the row
//! and all that follows from the events. SQL searches; it decides nothing. Many changes share a
//! transaction ([`crate::group_commit`]).

mod asked;
mod cancel;
mod changes;
mod delete;
mod draft;
mod fold;
mod late_news;
mod leases;
mod log;
mod read;
mod records;
mod refill;
mod row;
mod submit;
mod sweep;
mod traced;
mod unknown_claims;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::{Hint, JobId, TenantId, WorkerId};
use engine::ports::{
    Backlog, Cancelled, Claimed, Deletion, JobFilter, JobStore, LogHead, LogLimit, LogSlice,
    NewJob, PageCursor, Refill, Renewal, Snapshot, StepRecord, StoreError, Submitted, Swept, Write,
    Written,
};

use self::asked::ask;
use self::cancel::{Cancel, EndIfOverdue};
use self::traced::traced;
use self::worker::{Claim, FencedWrite};
use crate::store::Store;

pub(crate) use changes::Changes;
pub(crate) use late_news::LateNews;
pub(crate) use leases::Leases;
pub(crate) use submit::Submissions;
pub(crate) use unknown_claims::UnknownClaims;

#[async_trait]
impl JobStore for Store {
    async fn submit(&self, new: NewJob) -> Result<Submitted, StoreError> {
        traced("INSERT", "jobs", submit::submit(self.submissions(), new)).await
    }

    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        traced("SELECT", "jobs", self.snapshot(tenant, id)).await
    }

    async fn queue_position(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<u32>, StoreError> {
        Ok(read::queue_position(self.database(), tenant, id).await?)
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let listing = read::Listing { tenant, filter, cursor, limit };
        let listed = async { Ok(listing.read(self.database()).await?) };
        traced("SELECT", "jobs", listed).await
    }

    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: LogLimit,
    ) -> Result<Option<LogSlice>, StoreError> {
        let log = async { Ok(read::log(self.database(), tenant, id, after, limit).await?) };
        traced("SELECT", "events", log).await
    }

    async fn checkpoints(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<Vec<StepRecord>>, StoreError> {
        Ok(read::checkpoints(self.database(), tenant, id).await?)
    }

    async fn heads(&self, ids: &[JobId]) -> Result<Vec<LogHead>, StoreError> {
        Ok(read::heads(self.database(), ids).await?)
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Option<Cancelled>, StoreError> {
        let cancel = Cancel { tenant: tenant.clone(), reason };
        let asked = ask(self.writes(), id, cancel);
        let (cancelled, late) = traced("UPDATE", "jobs", asked).await?;
        self.late_news().push(late);
        Ok(cancelled)
    }

    async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<Deletion, StoreError> {
        delete::delete(self.database(), tenant, id).await
    }

    async fn is_gone(&self, tenant: &TenantId, id: JobId) -> Result<bool, StoreError> {
        Ok(delete::is_gone(self.database(), tenant, id).await?)
    }

    async fn claim(
        &self,
        id: JobId,
        worker: WorkerId,
        pipelines: &[u32],
    ) -> Result<Option<Claimed>, StoreError> {
        let unknown = Arc::clone(self.unknown_claims());
        let claim = Claim::new(worker, pipelines.to_vec(), unknown);
        let claimed = traced("UPDATE", "jobs", ask(self.claims(), id, claim)).await;
        if let Err(StoreError::OutcomeUnknown(_)) = &claimed {
            self.unknown_claims().remember(worker, id);
        }
        claimed
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let written = ask(self.writes(), write.fence.job_id, FencedWrite::new(write));
        traced("UPDATE", "jobs", written).await
    }

    async fn renew(&self, worker: WorkerId, pipelines: &[u32]) -> Result<Renewal, StoreError> {
        Ok(self.leases().renew(self.database(), worker, pipelines).await?)
    }

    async fn retire(&self, worker: WorkerId) -> Result<(), StoreError> {
        Ok(self.leases().retire(self.database(), worker).await?)
    }

    async fn refill(&self, refill: Refill) -> Result<Vec<Hint>, StoreError> {
        Ok(refill::refill(self.database(), refill).await?)
    }

    async fn backlog(&self, limit: usize) -> Result<Backlog, StoreError> {
        Ok(read::backlog(self.database(), limit).await?)
    }

    async fn unhint(&self, hints: &[Hint]) -> Result<(), StoreError> {
        Ok(refill::unhint(self.database(), hints).await?)
    }

    async fn sweep(&self, lease: Duration, limit: usize) -> Result<Swept, StoreError> {
        let swept = sweep::sweep(self, lease, limit).await?;
        let mut committed = self.late_news().take();
        committed.extend(swept.committed);
        Ok(Swept { committed, more: swept.more })
    }
}

impl Store {
    /// A job, ended first if it is overdue.
    async fn snapshot(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        match read::snapshot(self.database(), tenant, id).await? {
            Some(snapshot) if snapshot.job.is_overdue(snapshot.read_at) => {
                let late = ask(self.writes(), id, EndIfOverdue).await?;
                self.late_news().push(late);
                Ok(read::snapshot(self.database(), tenant, id).await?)
            }
            found => Ok(found),
        }
    }
}
