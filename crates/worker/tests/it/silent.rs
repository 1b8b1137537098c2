//! A worker that cannot renew its lease begins nothing, and finishes what it has begun.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use adapter_embedded::Store;
use adapter_models::{ScriptedModel, ScriptedRetriever};
use async_trait::async_trait;
use contracts::{Hint, JobId, TenantId, WorkerId};
use engine::ports::{
    Backlog, Cancelled, Claimed, Deletion, JobFilter, JobStore, LogHead, LogLimit, LogSlice,
    NewJob, PageCursor, Refill, Renewal, Snapshot, StepRecord, StoreError, Submitted, Swept, Write,
    Written,
};
use testkit::build::tenant;
use testkit::eventually;
use tokio::runtime::Handle;

use crate::fleet::{DEADLINE, Fleet, Parts, open, submit};
use crate::queue::Queue;

/// Longer than a renewal counts for.
const LONG: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_worker_takes_no_job_before_its_lease_is_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let mute = Mute::over(open(dir.path()));
    mute.refuse();
    let fleet = start(&mute, dir.path());
    let id = submit(&fleet.store, "script: delay_ms=0").await;
    fleet.publish(id).await;
    let begun = Instant::now();
    eventually(DEADLINE, async || {
        assert_eq!(fleet.get(id).await.job.attempt, 0);
        (begun.elapsed() > LONG).then_some(())
    })
    .await;
    mute.accept();
    fleet.succeeded(id).await;
    fleet.stop().await;
}

#[tokio::test]
async fn without_a_renewal_a_call_goes_on_and_none_begins() {
    let dir = tempfile::tempdir().unwrap();
    let mute = Mute::over(open(dir.path()));
    let fleet = start(&mute, dir.path());
    let id = submit(&fleet.store, "script: delay_ms=3500").await;
    fleet.publish(id).await;
    eventually(DEADLINE, async || (calls(dir.path()) == 1).then_some(())).await;
    mute.refuse();
    // What the retriever found is kept, and the next step is begun, but not its call.
    until_event(&fleet, id, "step.completed", "retrieve").await;
    until_event(&fleet, id, "step.started", "synthesize").await;
    let begun = Instant::now();
    eventually(DEADLINE, async || {
        assert_eq!(calls(dir.path()), 1);
        (begun.elapsed() > LONG).then_some(())
    })
    .await;
    mute.accept();
    assert_eq!(fleet.succeeded(id).await.job.attempt, 1);
    assert_eq!(calls(dir.path()), 2);
    fleet.stop().await;
}

/// A worker whose calls are noted in this folder.
fn start(mute: &Arc<Mute>, dir: &Path) -> Fleet {
    let ledger = Some(dir.join("ledger"));
    let parts = Parts {
        seen: mute.clone(),
        retriever: Arc::new(ScriptedRetriever::new(Duration::ZERO, ledger.clone())),
        model: Arc::new(ScriptedModel::new(Duration::ZERO, ledger)),
        ..Parts::over(mute.inner.clone(), Queue::default())
    };
    parts.run_on(&Handle::current())
}

fn calls(dir: &Path) -> usize {
    std::fs::read_to_string(dir.join("ledger")).unwrap_or_default().lines().count()
}

async fn until_event(fleet: &Fleet, id: JobId, kind: &str, step: &str) {
    eventually(DEADLINE, async || {
        let log =
            fleet.store.log(&tenant("a"), id, 0, LogLimit::events(1_000)).await.unwrap().unwrap();
        let is_it = |event: &contracts::Event| event.kind == kind && event.data["step"] == step;
        log.events.iter().any(is_it).then_some(())
    })
    .await;
}

/// A store that refuses to renew leases when it is told to.
struct Mute {
    inner: Arc<Store>,
    refuses: AtomicBool,
}

impl Mute {
    fn over(inner: Arc<Store>) -> Arc<Self> {
        Arc::new(Self { inner, refuses: AtomicBool::new(false) })
    }

    fn refuse(&self) {
        self.refuses.store(true, Ordering::SeqCst);
    }

    fn accept(&self) {
        self.refuses.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl JobStore for Mute {
    async fn renew(&self, worker: WorkerId, pipelines: &[u32]) -> Result<Renewal, StoreError> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the test says so".into()));
        }
        self.inner.renew(worker, pipelines).await
    }

    async fn submit(&self, new: NewJob) -> Result<Submitted, StoreError> {
        self.inner.submit(new).await
    }

    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        JobStore::get(self.inner.as_ref(), tenant, id).await
    }

    async fn queue_position(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<u32>, StoreError> {
        self.inner.queue_position(tenant, id).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        JobStore::list(self.inner.as_ref(), tenant, filter, cursor, limit).await
    }

    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: LogLimit,
    ) -> Result<Option<LogSlice>, StoreError> {
        self.inner.log(tenant, id, after, limit).await
    }

    async fn checkpoints(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<Vec<StepRecord>>, StoreError> {
        self.inner.checkpoints(tenant, id).await
    }

    async fn heads(&self, ids: &[JobId]) -> Result<Vec<LogHead>, StoreError> {
        self.inner.heads(ids).await
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Option<Cancelled>, StoreError> {
        self.inner.cancel(tenant, id, reason).await
    }

    async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<Deletion, StoreError> {
        self.inner.delete(tenant, id).await
    }

    async fn is_gone(&self, tenant: &TenantId, id: JobId) -> Result<bool, StoreError> {
        self.inner.is_gone(tenant, id).await
    }

    async fn claim(
        &self,
        id: JobId,
        worker: WorkerId,
        pipelines: &[u32],
    ) -> Result<Option<Claimed>, StoreError> {
        JobStore::claim(self.inner.as_ref(), id, worker, pipelines).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.inner.write(write).await
    }

    async fn retire(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.inner.retire(worker).await
    }

    async fn refill(&self, refill: Refill) -> Result<Vec<Hint>, StoreError> {
        self.inner.refill(refill).await
    }

    async fn backlog(&self, limit: usize) -> Result<Backlog, StoreError> {
        self.inner.backlog(limit).await
    }

    async fn unhint(&self, hints: &[Hint]) -> Result<(), StoreError> {
        self.inner.unhint(hints).await
    }

    async fn sweep(&self, lease: Duration, limit: usize) -> Result<Swept, StoreError> {
        JobStore::sweep(self.inner.as_ref(), lease, limit).await
    }
}
