//! The parts of a running system, over any adapters.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter_retrieval::{InProcessReader, ReaderLimits, ReaderProcess};
use anyhow::Context as _;
use contracts::TenantId;
use engine::analysis::PIPELINES;
use engine::ports::{
    Corpus, DocumentReader, DocumentStore, HintQueue, JobStore, ProgressBus, Retriever, SecretStore,
};
use engine::retry::RetryPolicy;
use engine::services::{
    Ingest, Jobs, JobsPorts, RunJob, RunJobPorts, Streams, dispatch, sweep, watch_backlog,
};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use worker::{Worker, WorkerPorts, WorkerSettings};

use crate::config::Config;
use crate::{exit, models, tools};

/// The wait before work that panicked is begun again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How a system runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// All that it may be asked to do: a gateway has names of models and no clients for them.
    pub role: Role,
    /// Jobs at a time.
    pub slots: u32,
    /// Documents that are read at a time.
    pub readers: u32,
    /// Where they are read.
    pub reading: Reading,
    /// What running jobs get to finish by themselves at the end.
    pub grace: Duration,
    /// Between attempts.
    pub retry: RetryPolicy,
    /// The versions of the workflow that jobs are run with, newest first.
    pub pipelines: &'static [u32],
}

/// Where documents are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Each in a process of its own, of this program: one that has the command `read-document`.
    ThisProgram,
    /// Within this process: documents that can be trusted not to break it.
    Within,
}

impl Settings {
    /// As it is configured.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let (slots, readers, grace) = (config.slots, config.readers, config.drain_grace);
        Self { slots, readers, grace, pipelines: pipelines(), ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            role: Role::All,
            slots: 8,
            readers: 2,
            reading: Reading::ThisProgram,
            grace: Duration::from_secs(5),
            retry: RetryPolicy::default(),
            pipelines: PIPELINES,
        }
    }
}

/// The versions of the workflow that a worker of this program runs.
fn pipelines() -> &'static [u32] {
    #[cfg(feature = "faults")]
    return crate::config::pipelines();
    #[cfg(not(feature = "faults"))]
    PIPELINES
}

/// What a process does of all that there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves clients: follows the logs of jobs.
    Gateway,
    /// Runs jobs and reads documents.
    Worker,
    /// Both.
    All,
}

/// The adapters of a system.
#[derive(Clone)]
pub struct Ports {
    /// The truth about jobs.
    pub store: Arc<dyn JobStore>,
    /// The truth about documents.
    pub documents: Arc<dyn DocumentStore>,
    /// What they say.
    pub corpus: Arc<dyn Corpus>,
    /// What all gateways share.
    pub secrets: Arc<dyn SecretStore>,
    /// The way to the workers.
    pub queue: Arc<dyn HintQueue>,
    /// The way to the gateways.
    pub bus: Arc<dyn ProgressBus>,
}

/// All parts of a system, not running yet.
pub struct System {
    /// What clients may ask.
    pub jobs: Jobs,
    /// Takes documents in.
    pub ingest: Ingest,
    /// Finds passages of the documents, as jobs do.
    pub retriever: Arc<dyn Retriever>,
    /// Whose everything is, as long as there are no keys.
    pub tenant: TenantId,
    pub(crate) ports: Ports,
    streams: Streams,
    /// `None` in a gateway.
    worker: Option<Worker>,
    readers: u32,
}

impl System {
    /// Puts the parts together. The index is kept in `index`.
    ///
    /// # Errors
    /// If this program's own file cannot be found, or no client of a provider can be made.
    pub fn new(
        ports: Ports,
        config: &Config,
        index: &Path,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let answering = &config.models;
        let retriever = models::retriever(answering, index, &ports.corpus);
        let worker = match settings.role {
            Role::Gateway => None,
            Role::Worker | Role::All => {
                let run_job = RunJobPorts {
                    store: Arc::clone(&ports.store),
                    bus: Arc::clone(&ports.bus),
                    retriever: Arc::clone(&retriever),
                    models: models::models(answering)?,
                    toolboxes: tools::toolboxes(config),
                };
                Some(worker(&ports, run_job, settings))
            }
        };
        let streams = Streams::new();
        let jobs = JobsPorts {
            store: Arc::clone(&ports.store),
            queue: Arc::clone(&ports.queue),
            bus: Arc::clone(&ports.bus),
            corpus: Arc::clone(&ports.corpus),
            secrets: Arc::clone(&ports.secrets),
        };
        let jobs = Jobs::new(jobs, streams.clone(), models::names(answering));
        let ingest = Ingest::new(Arc::clone(&ports.documents), reader(settings)?);
        Ok(Self {
            jobs: jobs.with_trace_ratio(config.trace_ratio()),
            ingest: ingest.with_trace_ratio(config.trace_ratio()),
            retriever,
            tenant: TenantId::default_tenant(),
            ports,
            streams,
            worker,
            readers: settings.readers,
        })
    }

    /// Sets everything of a role, or of what of it this system may do, going, until
    /// [`Running::stop`]. Every role keeps jobs moving that nobody else moves.
    #[must_use]
    pub fn start(&self, role: Role) -> Running {
        let running = Running::default();
        self.start_upkeep(&running);
        if role != Role::Worker {
            self.start_serving(&running);
        }
        if role != Role::Gateway {
            self.start_work(&running);
        }
        running
    }

    fn start_upkeep(&self, running: &Running) {
        let Ports { store, queue, .. } = self.ports.clone();
        let begin = move |stop| dispatch::dispatch(Arc::clone(&store), Arc::clone(&queue), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));

        let Ports { store, bus, .. } = self.ports.clone();
        let begin = move |stop| sweep::sweep(Arc::clone(&store), Arc::clone(&bus), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));
    }

    fn start_serving(&self, running: &Running) {
        let Ports { store, bus, .. } = self.ports.clone();
        let streams = self.streams.clone();
        let begin = move |stop| streams.clone().run(Arc::clone(&bus), Arc::clone(&store), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));

        let store = Arc::clone(&self.ports.store);
        let begin = move |stop| watch_backlog(Arc::clone(&store), rand::random::<f64>, stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));
    }

    fn start_work(&self, running: &Running) {
        for _ in 0..self.readers {
            let ingest = self.ingest.clone();
            let begin = move |stop| ingest.clone().run(stop);
            running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
        }
        if let Some(worker) = self.worker.clone() {
            let begin = move |stop| worker.clone().run(stop);
            running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
        }
    }
}

/// Does work until it is told to stop. Work that panics is begun again: without it no job would
/// move any more. The panic is in the log.
async fn keep_up<F>(stop: CancellationToken, begin: impl Fn(CancellationToken) -> F)
where
    F: Future<Output = ()>,
{
    while AssertUnwindSafe(begin(stop.clone())).catch_unwind().await.is_err() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE_AFTER_PANIC) => {}
        }
    }
}

/// A system that is going.
#[derive(Default)]
pub struct Running {
    intake_stop: CancellationToken,
    workers: TaskTracker,
    upkeep_stop: CancellationToken,
    upkeep: TaskTracker,
}

impl Running {
    /// Takes no new work from now on; what runs is finished or handed over.
    pub fn stop_intake(&self) {
        self.intake_stop.cancel();
    }

    /// Stops in order: no new work, hand over what runs, then the upkeep.
    pub async fn stop(self) {
        self.stop_intake();
        self.workers.close();
        self.workers.wait().await;
        self.upkeep_stop.cancel();
        self.upkeep.close();
        self.upkeep.wait().await;
    }
}

fn worker(ports: &Ports, run_job: RunJobPorts, settings: Settings) -> Worker {
    Worker::new(
        WorkerPorts {
            store: Arc::clone(&ports.store),
            queue: Arc::clone(&ports.queue),
            bus: Arc::clone(&ports.bus),
        },
        RunJob::new(run_job, settings.retry, rand::random::<f64>),
        WorkerSettings {
            slots: settings.slots,
            grace: settings.grace,
            pipelines: settings.pipelines,
        },
        Arc::new(|| exit::broken()),
    )
}

fn reader(settings: Settings) -> anyhow::Result<Arc<dyn DocumentReader>> {
    Ok(match settings.reading {
        Reading::Within => Arc::new(InProcessReader),
        Reading::ThisProgram => {
            let children_max =
                NonZeroUsize::new(settings.readers as usize).unwrap_or(NonZeroUsize::MIN);
            let limits = ReaderLimits { children_max, ..ReaderLimits::default() };
            Arc::new(ReaderProcess::new(this_program()?, limits))
        }
    })
}

/// The program of this process. On Linux it is named so that a new release in its place, or none,
/// makes no difference to a process that runs.
fn this_program() -> anyhow::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().context("this program's own file cannot be found")
}
