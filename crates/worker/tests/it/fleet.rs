//! A worker with scripted models, and the jobs it is to run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessProgressBus, Store};
use adapter_models::{ScriptedModel, ScriptedRetriever};
use contracts::{Hint, JobId, JobState};
use engine::ports::{HintQueue as _, JobStore, NewJob, Refill, Snapshot, SystemClock};
use engine::retry::RetryPolicy;
use engine::services::{RunJob, RunJobPorts};
use tempfile::TempDir;
use testkit::build::{new_job, tenant};
use testkit::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{Worker, WorkerPorts, WorkerSettings};

use crate::queue::Queue;

/// Nothing in these tests takes longer, however slow the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A store, a queue, and a worker over both.
pub(crate) struct Fleet {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Queue,
    stop: CancellationToken,
    worker: JoinHandle<()>,
}

impl Fleet {
    /// Over a store of its own. Nothing sends hints but the test.
    pub(crate) fn start(slots: u32, queue: Queue) -> (Self, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (Self::over(open(dir.path()), slots, queue), dir)
    }

    pub(crate) fn over(store: Arc<Store>, slots: u32, queue: Queue) -> Self {
        let bus = Arc::new(InProcessProgressBus::default());
        let run_job = RunJob::new(
            RunJobPorts {
                store: store.clone(),
                bus: bus.clone(),
                retriever: Arc::new(ScriptedRetriever::new(Duration::ZERO, None)),
                models: vec![Arc::new(ScriptedModel::new(Duration::ZERO, None))],
            },
            RetryPolicy::default(),
            || 0.5,
        );
        let ports = WorkerPorts { store: store.clone(), queue: Arc::new(queue.clone()), bus };
        let settings = WorkerSettings { slots, grace: Duration::ZERO };
        let stop = CancellationToken::new();
        let worker = tokio::spawn(Worker::new(ports, run_job, settings).run(stop.clone()));
        Self { store, queue, stop, worker }
    }

    pub(crate) async fn publish(&self, job_id: JobId) {
        self.queue.publish(Hint { job_id }).await.unwrap();
    }

    pub(crate) async fn get(&self, id: JobId) -> Snapshot {
        self.store.get(&tenant("a"), id).await.unwrap().unwrap()
    }

    pub(crate) async fn succeeded(&self, id: JobId) -> Snapshot {
        eventually(DEADLINE, async || {
            let snapshot = self.get(id).await;
            (snapshot.job.state.name() == JobState::Succeeded).then_some(snapshot)
        })
        .await
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.worker).await.unwrap().unwrap();
    }
}

pub(crate) fn open(dir: &Path) -> Arc<Store> {
    let dir = DataDir::open(dir).unwrap();
    Arc::new(Store::open(dir, Arc::new(SystemClock::new())).unwrap())
}

/// A job that waits in the store.
pub(crate) async fn submit(store: &Store, question: &str) -> JobId {
    let mut new: NewJob = new_job(&tenant("a"));
    question.clone_into(&mut new.submission.question);
    let id = new.identity.id;
    store.submit(new).await.unwrap();
    id
}

/// Marks what waits as hinted. The hints are lost, unless the test sends them.
pub(crate) async fn mark_hinted(store: &Store) -> Vec<JobId> {
    let refill = Refill { window: 100, resend_after: Duration::from_secs(3_600) };
    let hints = store.refill(refill).await.unwrap();
    hints.into_iter().map(|hint| hint.job_id).collect()
}
