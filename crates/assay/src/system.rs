//! The parts of a running system, over any adapters.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter_models::{ExtractiveModel, ScriptedModel, ScriptedRetriever, ScriptedTools};
use adapter_retrieval::{InProcessReader, PassageIndex, ReaderLimits, ReaderProcess};
use adapter_tools::Calculator;
use anyhow::Context as _;
use contracts::TenantId;
use engine::ports::{
    Corpus, DocumentReader, DocumentStore, HintQueue, JobStore, LanguageModel, ProgressBus,
    Retriever, SecretStore, Toolbox,
};
use engine::retry::RetryPolicy;
use engine::services::{Ingest, Jobs, JobsPorts, RunJob, RunJobPorts, Streams, dispatch, sweep};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use worker::{Worker, WorkerPorts, WorkerSettings};

use crate::config::{self, Config, Model};
use crate::exit;

/// The wait before work that panicked is begun again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How a system runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
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
        Self { slots, readers, grace, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 8,
            readers: 2,
            reading: Reading::ThisProgram,
            grace: Duration::from_secs(5),
            retry: RetryPolicy::default(),
        }
    }
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
    worker: Worker,
    readers: u32,
}

impl System {
    /// Puts the parts together. The index is kept in `index`.
    ///
    /// # Errors
    /// If this program's own file cannot be found.
    pub fn new(
        ports: Ports,
        config: &Config,
        index: &Path,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let (retriever, model) = answering(&config.model, index, &ports.corpus);
        let names = vec![model.name().to_owned()];
        let run_job = RunJob::new(
            RunJobPorts {
                store: Arc::clone(&ports.store),
                bus: Arc::clone(&ports.bus),
                retriever: Arc::clone(&retriever),
                models: vec![model],
                toolboxes: toolboxes(config),
            },
            settings.retry,
            rand::random::<f64>,
        );
        let worker = Worker::new(
            WorkerPorts {
                store: Arc::clone(&ports.store),
                queue: Arc::clone(&ports.queue),
                bus: Arc::clone(&ports.bus),
            },
            run_job,
            WorkerSettings { slots: settings.slots, grace: settings.grace },
            Arc::new(|| exit::broken()),
        );
        let streams = Streams::new();
        let jobs = JobsPorts {
            store: Arc::clone(&ports.store),
            queue: Arc::clone(&ports.queue),
            bus: Arc::clone(&ports.bus),
            corpus: Arc::clone(&ports.corpus),
            secrets: Arc::clone(&ports.secrets),
        };
        Ok(Self {
            jobs: Jobs::new(jobs, streams.clone(), names),
            ingest: Ingest::new(Arc::clone(&ports.documents), reader(settings)?),
            retriever,
            tenant: TenantId::default_tenant(),
            ports,
            streams,
            worker,
            readers: settings.readers,
        })
    }

    /// Sets everything of a role going, until [`Running::stop`]. Every role keeps jobs moving that
    /// nobody else moves.
    #[must_use]
    pub fn start(&self, role: Role) -> Running {
        let running = Running::default();
        self.start_upkeep(&running);
        if role != Role::Worker {
            self.start_streams(&running);
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

    fn start_streams(&self, running: &Running) {
        let Ports { store, bus, .. } = self.ports.clone();
        let streams = self.streams.clone();
        let begin = move |stop| streams.clone().run(Arc::clone(&bus), Arc::clone(&store), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));
    }

    fn start_work(&self, running: &Running) {
        for _ in 0..self.readers {
            let ingest = self.ingest.clone();
            let begin = move |stop| ingest.clone().run(stop);
            running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
        }
        let worker = self.worker.clone();
        let begin = move |stop| worker.clone().run(stop);
        running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
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

type Answering = (Arc<dyn Retriever>, Arc<dyn LanguageModel>);

fn answering(model: &Model, index: &Path, corpus: &Arc<dyn Corpus>) -> Answering {
    match model {
        Model::Extractive => {
            (Arc::new(PassageIndex::new(Arc::clone(corpus), index)), Arc::new(ExtractiveModel))
        }
        Model::Scripted { latency, ledger } => (
            Arc::new(ScriptedRetriever::new(*latency, ledger.clone()).over(Arc::clone(corpus))),
            Arc::new(ScriptedModel::new(*latency, ledger.clone())),
        ),
    }
}

/// The tools that are configured. Nothing is started before it is needed.
fn toolboxes(config: &Config) -> Vec<Arc<dyn Toolbox>> {
    let toolbox = |toolbox: &config::Toolbox| -> Option<Arc<dyn Toolbox>> {
        match toolbox {
            config::Toolbox::Calculator => Some(Arc::new(Calculator)),
            config::Toolbox::Scripted => {
                let ledger = match &config.model {
                    Model::Scripted { ledger, .. } => ledger.clone(),
                    Model::Extractive => None,
                };
                Some(Arc::new(ScriptedTools::new(ledger)))
            }
            config::Toolbox::Program(program) => tools_of_program(program),
        }
    };
    config.toolboxes.iter().filter_map(toolbox).collect()
}

#[cfg(feature = "mcp")]
fn tools_of_program(program: &config::Program) -> Option<Arc<dyn Toolbox>> {
    let config::Program { name, command, args, env, allow, timeout, answer_bytes_max, effect } =
        program.clone();
    let settings = adapter_tools::McpSettings {
        name,
        command,
        args,
        env,
        allow,
        timeout,
        answer_bytes_max,
        effect,
    };
    Some(Arc::new(adapter_tools::McpServer::new(settings)))
}

/// The configuration refuses programs in a build that cannot talk to them.
#[cfg(not(feature = "mcp"))]
fn tools_of_program(_: &config::Program) -> Option<Arc<dyn Toolbox>> {
    None
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
