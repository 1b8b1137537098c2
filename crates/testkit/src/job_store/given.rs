//! Brings jobs into the states that rules begin with.

use std::sync::Arc;
use std::time::Duration;

use contracts::job::Usage;
use contracts::{Event, EventBody, JobId, TenantId, WorkerId};
use engine::job::{Change, Job};
use engine::ports::{
    Claimed, Committed, Fence, JobStore, LogLimit, NewJob, Snapshot, StepRecord, Submitted, Swept,
    Write, Written,
};

use super::JobStoreHarness;
use crate::build::{new_job, tenant};

/// The workflow that the suite's workers know.
pub const PIPELINE: u32 = 1;
/// The lease that the suite sweeps with.
pub const LEASE: Duration = Duration::from_secs(10);
/// More jobs than any rule has: a sweep with this limit does everything.
pub const ALL: usize = 1_000;

/// A tenant and a worker, at a store.
pub struct Given<'h> {
    harness: &'h dyn JobStoreHarness,
    /// The store.
    pub store: Arc<dyn JobStore>,
    /// Whose jobs they are, unless a rule says otherwise.
    pub tenant: TenantId,
    /// Who runs them, unless a rule says otherwise.
    pub worker: WorkerId,
}

impl<'h> Given<'h> {
    /// Tenant `a` and a new worker.
    pub fn new(harness: &'h dyn JobStoreHarness) -> Self {
        let (store, worker) = (harness.store(), WorkerId::new());
        Self { harness, store, tenant: tenant("a"), worker }
    }

    /// Submits a job that must be accepted.
    pub async fn accepted(&self, new: NewJob) -> Committed {
        match self.store.submit(new).await.expect("submitted") {
            Submitted::Created { committed, .. } => committed,
            other @ (Submitted::Replayed(_) | Submitted::KeyReused | Submitted::KeyGone) => {
                panic!("not accepted: {other:?}")
            }
        }
    }

    /// A queued job.
    pub async fn queued(&self) -> JobId {
        self.accepted(new_job(&self.tenant)).await.job.id
    }

    /// A job that the worker has claimed.
    pub async fn running(&self) -> Held {
        let id = self.queued().await;
        self.claimed(id).await
    }

    /// This job, claimed by the worker.
    pub async fn claimed(&self, id: JobId) -> Held {
        let claimed = self.claim(id).await.expect("the job is due");
        Held::of(Arc::clone(&self.store), self.worker, &claimed)
    }

    /// Tries to claim a job.
    pub async fn claim(&self, id: JobId) -> Option<Claimed> {
        self.store.claim(id, self.worker, &[PIPELINE]).await.expect("claimed or not")
    }

    /// A job as a client sees it.
    pub async fn snapshot(&self, id: JobId) -> Snapshot {
        self.store.get(&self.tenant, id).await.expect("read").expect("the job is there")
    }

    /// The whole log of a job.
    pub async fn log(&self, id: JobId) -> Vec<Event> {
        let slice =
            self.store.log(&self.tenant, id, 0, LogLimit::events(10_000)).await.expect("read");
        slice.expect("the job is there").events
    }

    /// Lets time pass for the store.
    pub async fn pass(&self, time: Duration) {
        self.harness.pass(time).await;
    }

    /// Sweeps once.
    pub async fn sweep(&self) -> Swept {
        self.store.sweep(LEASE, ALL).await.expect("swept")
    }

    /// Lets every worker be silent, at a store that is swept each second, until its lease is lost.
    pub async fn silence(&self) -> Vec<Committed> {
        let mut committed = self.sweep().await.committed;
        for _ in 0..=LEASE.as_secs() {
            self.pass(Duration::from_secs(1)).await;
            committed.extend(self.sweep().await.committed);
        }
        committed
    }
}

/// A job in the hands of a worker.
#[derive(Clone)]
pub struct Held {
    store: Arc<dyn JobStore>,
    /// The right to the write after the last one that was applied.
    pub fence: Fence,
    /// The job as the last write left it.
    pub job: Job,
}

impl Held {
    /// A job that was just claimed.
    pub fn of(store: Arc<dyn JobStore>, worker: WorkerId, claimed: &Claimed) -> Self {
        let job = claimed.committed.job.clone();
        let fence = Fence { job_id: job.id, worker, epoch: job.epoch, write_no: 1 };
        Self { store, fence, job }
    }

    /// Writes a change, with nothing beside it.
    pub async fn write(&mut self, change: Change) -> Written {
        self.checkpoint(change, Vec::new()).await
    }

    /// Writes a change that must be applied, and returns its events.
    pub async fn apply(&mut self, change: Change) -> Vec<Event> {
        applied(self.write(change).await).events
    }

    /// Writes a change with checkpoints.
    pub async fn checkpoint(&mut self, change: Change, checkpoints: Vec<StepRecord>) -> Written {
        let write = Write { fence: self.fence, change, checkpoints, usage: Usage::default() };
        let written = self.store.write(write).await.expect("written or not");
        if let Written::Applied(committed) = &written {
            self.fence.write_no += 1;
            self.job = committed.job.clone();
        }
        written
    }
}

/// What a write committed that must have been applied.
pub fn applied(written: Written) -> Committed {
    match written {
        Written::Applied(committed) => committed,
        other @ (Written::Again | Written::Cancelling | Written::Fenced) => {
            panic!("not applied: {other:?}")
        }
    }
}

/// A change that records these events.
pub fn work(events: impl IntoIterator<Item = EventBody>) -> Change {
    Change::Work { events: events.into_iter().collect() }
}

/// The types of events, in order.
pub fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}
