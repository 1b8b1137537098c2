//! The system under test.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::InProcessProgressBus;
use api::{Gateway, GatewayError};
use assay::config::{Config, DefaultModel, Toolbox};
use assay::embedded::Embedded;
use assay::system::{Reading, Role, Running, Settings};
use engine::ports::ProgressBus;
use engine::retry::RetryPolicy;
use tempfile::TempDir;
use testkit::bus::{Loss, LossyBus};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    running: Running,
    // Dropped last: the directory is free for the next system then.
    _embedded: Embedded,
}

impl System {
    /// A system over this directory.
    pub(crate) async fn start(dir: &Path, bus_does: Bus) -> Self {
        Self::start_with(dir, bus_does, Vec::new()).await
    }

    async fn start_with(dir: &Path, bus_does: Bus, toolboxes: Vec<Toolbox>) -> Self {
        let mut config = Config::with_data_dir(dir).unwrap();
        config.toolboxes = toolboxes;
        config.models.default = DefaultModel::Scripted { latency: Duration::ZERO, ledger: None };
        let first_wait = Duration::from_millis(50);
        let settings = Settings {
            role: Role::All,
            slots: 4,
            readers: 1,
            reading: Reading::Within,
            grace: Duration::from_millis(100),
            retry: RetryPolicy { initial: first_wait, ..RetryPolicy::default() },
            pipelines: engine::analysis::PIPELINES,
        };
        let mut bus: Arc<dyn ProgressBus> = Arc::new(InProcessProgressBus::default());
        if bus_does == Bus::LosesEverything {
            bus = Arc::new(LossyBus::new(bus, Loss::All));
        }
        let embedded = Embedded::open_with_bus(&config, settings, bus).unwrap();
        let running = embedded.start();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::of(listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let settings = api::Settings { threads: Some(1), ..api::Settings::default() };
        let gateway =
            Gateway::new(embedded.system.jobs.clone(), settings).run(listener, stop.clone());
        Self { client, stop, gateway: tokio::spawn(gateway), running, _embedded: embedded }
    }

    /// Begins to drain gateway and workers.
    pub(crate) fn begin_drain(&self) {
        self.stop.cancel();
        self.running.stop_intake();
    }

    /// Drains and waits until nothing runs any more.
    pub(crate) async fn stop(self) {
        self.begin_drain();
        tokio::time::timeout(DEADLINE, self.gateway).await.unwrap().unwrap().unwrap();
        tokio::time::timeout(DEADLINE, self.running.stop()).await.unwrap();
    }
}

/// A system in a directory that lives as long as the test.
pub(crate) async fn start() -> (System, TempDir) {
    start_where(Bus::Delivers).await
}

/// The same, with the scripted tools.
pub(crate) async fn start_with_tools() -> (System, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (System::start_with(dir.path(), Bus::Delivers, vec![Toolbox::Scripted]).await, dir)
}

/// The same, with such a bus.
pub(crate) async fn start_where(bus: Bus) -> (System, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (System::start(dir.path(), bus).await, dir)
}
