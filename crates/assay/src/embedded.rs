//! The embedded mode: gateway and workers in one process, over one SQLite file.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessHintQueue, InProcessProgressBus, Store};
use adapter_models::{ExtractiveModel, ScriptedModel, ScriptedRetriever};
use adapter_retrieval::{InProcessReader, PassageIndex, ReaderLimits, ReaderProcess};
use anyhow::Context as _;
use contracts::TenantId;
use engine::ports::{
    Corpus, DocumentReader, DocumentStore, HintQueue, JobStore, LanguageModel, ProgressBus,
    Retriever, SystemClock,
};
use engine::retry::RetryPolicy;
use engine::services::{
    HINT_WINDOW, Ingest, Jobs, JobsPorts, RunJob, RunJobPorts, Streams, dispatch, sweep,
};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use worker::{Worker, WorkerPorts, WorkerSettings};

use crate::config::{Config, Model};
use crate::corpus;

/// News that wait for a slow listener of this process; older ones are dropped, and read from the
/// log.
const NEWS_MAX: usize = 1_024;

/// The wait before work that panicked is begun again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How an embedded system runs.
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
        Self {
            slots: config.slots,
            readers: config.readers,
            grace: config.drain_grace,
            ..Self::default()
        }
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

/// All parts of an embedded system, not running yet.
pub struct Embedded {
    /// What clients may ask.
    pub jobs: Jobs,
    /// Takes documents in.
    pub ingest: Ingest,
    /// Finds passages in them.
    pub retriever: Arc<dyn Retriever>,
    /// Whose everything is, as long as there are no keys.
    pub tenant: TenantId,
    sqlite: Arc<Store>,
    store: Arc<dyn JobStore>,
    corpus: Arc<dyn Corpus>,
    queue: Arc<dyn HintQueue>,
    bus: Arc<dyn ProgressBus>,
    streams: Streams,
    worker: Worker,
    readers: u32,
}

impl Embedded {
    /// Opens the data directory and puts the parts together. Blocks while the store is migrated.
    ///
    /// # Errors
    /// If the directory is in use by another process, or cannot be used.
    pub fn open(config: &Config, settings: Settings) -> anyhow::Result<Self> {
        let bus = Arc::new(InProcessProgressBus::with_capacity(NEWS_MAX));
        Self::open_with_bus(config, settings, bus)
    }

    /// As [`Embedded::open`], with another bus: tests lose news on purpose.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn open_with_bus(
        config: &Config,
        settings: Settings,
        bus: Arc<dyn ProgressBus>,
    ) -> anyhow::Result<Self> {
        let data_dir = DataDir::open(&config.data_dir)?;
        let index = data_dir.index();
        let sqlite = Arc::new(Store::open(data_dir, Arc::new(SystemClock::new()))?);
        let documents: Arc<dyn DocumentStore> = sqlite.clone();
        let corpus: Arc<dyn Corpus> = sqlite.clone();
        let store: Arc<dyn JobStore> = sqlite.clone();
        let queue: Arc<dyn HintQueue> = Arc::new(InProcessHintQueue::with_capacity(HINT_WINDOW));
        let (retriever, model) = answering(&config.model, &index, &corpus)?;
        let names = vec![model.name().to_owned()];
        let run_job = RunJob::new(
            RunJobPorts {
                store: Arc::clone(&store),
                bus: Arc::clone(&bus),
                retriever: Arc::clone(&retriever),
                models: vec![model],
            },
            settings.retry,
            rand::random::<f64>,
        );
        let worker = Worker::new(
            WorkerPorts {
                store: Arc::clone(&store),
                queue: Arc::clone(&queue),
                bus: Arc::clone(&bus),
            },
            run_job,
            WorkerSettings { slots: settings.slots, grace: settings.grace },
        );
        let streams = Streams::new();
        let ports = JobsPorts {
            store: Arc::clone(&store),
            queue: Arc::clone(&queue),
            bus: Arc::clone(&bus),
            corpus: Arc::clone(&corpus),
        };
        Ok(Self {
            jobs: Jobs::new(ports, streams.clone(), names),
            ingest: Ingest::new(documents, reader(settings)?),
            retriever,
            tenant: TenantId::default_tenant(),
            sqlite,
            store,
            corpus,
            queue,
            bus,
            streams,
            worker,
            readers: settings.readers,
        })
    }

    /// Takes the example corpus in, if there is no document at all. Says whether it did.
    ///
    /// # Errors
    /// The store's.
    pub async fn load_examples_if_empty(&self) -> anyhow::Result<bool> {
        corpus::load_if_empty(&self.tenant, self.corpus.as_ref(), &self.ingest).await
    }

    /// Where it is kept; locked while this lives.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        self.sqlite.dir()
    }

    /// Sets everything going, until [`Running::stop`].
    #[must_use]
    pub fn start(&self) -> Running {
        let running = Running::default();
        let ports = || (Arc::clone(&self.store), Arc::clone(&self.queue), Arc::clone(&self.bus));

        let (store, queue, _) = ports();
        let begin = move |stop| dispatch::dispatch(Arc::clone(&store), Arc::clone(&queue), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));

        let (store, _, bus) = ports();
        let begin = move |stop| sweep::sweep(Arc::clone(&store), Arc::clone(&bus), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));

        let (store, _, bus) = ports();
        let streams = self.streams.clone();
        let begin = move |stop| streams.clone().run(Arc::clone(&bus), Arc::clone(&store), stop);
        running.upkeep.spawn(keep_up(running.upkeep_stop.clone(), begin));

        for _ in 0..self.readers {
            let ingest = self.ingest.clone();
            let begin = move |stop| ingest.clone().run(stop);
            running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
        }

        let worker = self.worker.clone();
        let begin = move |stop| worker.clone().run(stop);
        running.workers.spawn(keep_up(running.intake_stop.clone(), begin));
        running
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

type Answering = (Arc<dyn Retriever>, Arc<dyn LanguageModel>);

fn answering(model: &Model, index: &Path, corpus: &Arc<dyn Corpus>) -> anyhow::Result<Answering> {
    Ok(match model {
        Model::Extractive => {
            (Arc::new(PassageIndex::new(Arc::clone(corpus), index)), Arc::new(ExtractiveModel))
        }
        Model::Scripted { latency, ledger } => (
            Arc::new(ScriptedRetriever::new(*latency, ledger.clone())),
            Arc::new(ScriptedModel::new(*latency, ledger.clone())),
        ),
    })
}
