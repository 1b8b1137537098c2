//! A worker with scripted models, and the jobs it is to run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessProgressBus, Store};
use adapter_models::{ScriptedModel, ScriptedRetriever};
use contracts::{Hint, JobId, JobState};
use engine::ports::{
    HintQueue as _, JobStore, LanguageModel, NewJob, Refill, Resend, Retriever, Snapshot,
    SystemClock,
};
use engine::retry::RetryPolicy;
use engine::services::{RunJob, RunJobPorts};
use tempfile::TempDir;
use testkit::build::{new_job, tenant};
use testkit::eventually;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::{EndProcess, Worker, WorkerPorts, WorkerSettings};

use crate::queue::Queue;

/// Nothing in these tests takes longer, however slow the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What a worker is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Queue,
    /// The store as the worker sees it.
    pub(crate) seen: Arc<dyn JobStore>,
    pub(crate) retriever: Arc<dyn Retriever>,
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) slots: u32,
    pub(crate) end_process: EndProcess,
}

impl Parts {
    /// Scripted ones, and two slots. The process must not be ended.
    pub(crate) fn over(store: Arc<Store>, queue: Queue) -> Self {
        Self {
            seen: store.clone(),
            store,
            queue,
            retriever: Arc::new(ScriptedRetriever::new(Duration::ZERO, None)),
            model: Arc::new(ScriptedModel::new(Duration::ZERO, None)),
            slots: 2,
            end_process: Arc::new(|| panic!("the process is ended")),
        }
    }

    /// Runs a worker of these on a runtime.
    pub(crate) fn run_on(self, runtime: &Handle) -> Fleet {
        let Self { store, queue, seen, retriever, model, slots, end_process } = self;
        let bus = Arc::new(InProcessProgressBus::default());
        let ports = RunJobPorts {
            store: seen.clone(),
            bus: bus.clone(),
            retriever,
            models: vec![model],
            toolboxes: Vec::new(),
        };
        let run_job = RunJob::new(ports, RetryPolicy::default(), || 0.5);
        let ports = WorkerPorts { store: seen, queue: Arc::new(queue.clone()), bus };
        let settings = WorkerSettings { slots, grace: Duration::ZERO, pipelines: &[1] };
        let stop = CancellationToken::new();
        let worker = Worker::new(ports, run_job, settings, end_process);
        let worker = runtime.spawn(worker.run(stop.clone()));
        Fleet { store, queue, stop, worker }
    }
}

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
        let parts = Parts { slots, ..Parts::over(store, queue) };
        parts.run_on(&Handle::current())
    }

    pub(crate) async fn publish(&self, job_id: JobId) {
        self.queue.publish(Hint::of(job_id)).await.unwrap();
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
    let refill = Refill { window: 100, resend: Resend::always(Duration::from_secs(3_600)) };
    let hints = store.refill(refill).await.unwrap();
    hints.into_iter().map(|hint| hint.job_id).collect()
}
