//! The system under test.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessHintQueue, InProcessProgressBus, Store};
use adapter_models::{ScriptedModel, ScriptedRetriever};
use api::{Gateway, GatewayError};
use contracts::News;
use engine::ports::{HintQueue, JobStore, NewsItem, NewsStream, ProgressBus, SystemClock};
use engine::retry::RetryPolicy;
use engine::services::{Jobs, JobsPorts, RunJob, RunJobPorts, Streams, dispatch, sweep};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use worker::{Worker, WorkerPorts, WorkerSettings};

use crate::client::{Client, DEADLINE};

/// What the bus does with news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    Delivers,
    LosesEverything,
}

/// A running system with a data directory of its own.
pub(crate) struct System {
    pub(crate) client: Client,
    stop: CancellationToken,
    gateway: JoinHandle<Result<(), GatewayError>>,
    upkeep: CancellationToken,
    tasks: TaskTracker,
}

impl System {
    /// A system over this directory.
    pub(crate) async fn start(dir: &Path, bus_does: Bus) -> Self {
        let store = Store::open(DataDir::open(dir).unwrap(), Arc::new(SystemClock::new())).unwrap();
        let sqlite = Arc::new(store);
        let store: Arc<dyn JobStore> = sqlite.clone();
        let queue: Arc<dyn HintQueue> = Arc::new(InProcessHintQueue::default());
        let bus: Arc<dyn ProgressBus> = match bus_does {
            Bus::Delivers => Arc::new(InProcessProgressBus::default()),
            Bus::LosesEverything => Arc::new(LossyBus),
        };
        let run_job = RunJob::new(
            RunJobPorts {
                store: Arc::clone(&store),
                bus: Arc::clone(&bus),
                retriever: Arc::new(ScriptedRetriever::new(Duration::ZERO, None)),
                models: vec![Arc::new(ScriptedModel::new(Duration::ZERO, None))],
            },
            RetryPolicy { initial: Duration::from_millis(50), ..RetryPolicy::default() },
            || 0.5,
        );
        let ports = WorkerPorts {
            store: Arc::clone(&store),
            queue: Arc::clone(&queue),
            bus: Arc::clone(&bus),
        };
        let grace = Duration::from_millis(100);
        let worker = Worker::new(ports, run_job, WorkerSettings { slots: 4, grace });
        let streams = Streams::new();
        let ports = JobsPorts {
            store: Arc::clone(&store),
            queue: Arc::clone(&queue),
            bus: Arc::clone(&bus),
            documents: sqlite,
        };
        let jobs = Jobs::new(ports, streams.clone(), vec!["scripted".to_owned()]);

        let (stop, upkeep, tasks) =
            (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        let (s, q, token) = (Arc::clone(&store), queue, upkeep.clone());
        tasks.spawn(async move { dispatch::dispatch(&*s, &*q, token).await });
        let (s, b, token) = (Arc::clone(&store), Arc::clone(&bus), upkeep.clone());
        tasks.spawn(async move { sweep::sweep(&*s, &*b, token).await });
        let token = upkeep.clone();
        tasks.spawn(async move { streams.run(&*bus, &*store, token).await });
        let token = stop.clone();
        tasks.spawn(async move { worker.run(token).await });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::of(listener.local_addr().unwrap());
        let settings = api::Settings { threads: Some(1), ..api::Settings::default() };
        let gateway = tokio::spawn(Gateway::new(jobs, settings).run(listener, stop.clone()));
        Self { client, stop, gateway, upkeep, tasks }
    }

    /// Begins to drain gateway and workers.
    pub(crate) fn begin_drain(&self) {
        self.stop.cancel();
    }

    /// Drains and waits until nothing runs any more.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.gateway).await.unwrap().unwrap().unwrap();
        self.upkeep.cancel();
        self.tasks.close();
        tokio::time::timeout(DEADLINE, self.tasks.wait()).await.unwrap();
    }
}

/// A system in a directory that lives as long as the test.
pub(crate) async fn start() -> (System, TempDir) {
    start_where(Bus::Delivers).await
}

/// The same, with such a bus.
pub(crate) async fn start_where(bus: Bus) -> (System, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (System::start(dir.path(), bus).await, dir)
}

/// A bus that drops everything and tells nobody.
struct LossyBus;

struct Silence;

#[async_trait::async_trait]
impl ProgressBus for LossyBus {
    async fn publish(&self, _: News) {}

    async fn subscribe(&self) -> Box<dyn NewsStream> {
        Box::new(Silence)
    }
}

#[async_trait::async_trait]
impl NewsStream for Silence {
    async fn next(&mut self) -> Option<NewsItem> {
        std::future::pending().await
    }
}
