//! The embedded mode: gateway and workers in one process, over one SQLite file.

use std::sync::Arc;

use adapter_embedded::{DataDir, InProcessHintQueue, InProcessProgressBus, Store};
use engine::ports::{ProgressBus, SystemClock};
use engine::services::HINT_WINDOW;

use crate::config::Config;
use crate::corpus;
use crate::system::{Ports, Role, Running, Settings, System};

/// News that wait for a slow listener of this process; older ones are dropped, and read from the
/// log.
const NEWS_MAX: usize = 1_024;

/// An embedded system, not running yet.
pub struct Embedded {
    /// Its parts.
    pub system: System,
    sqlite: Arc<Store>,
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
        let ports = Ports {
            store: sqlite.clone(),
            documents: sqlite.clone(),
            corpus: sqlite.clone(),
            secrets: sqlite.clone(),
            queue: Arc::new(InProcessHintQueue::with_capacity(HINT_WINDOW)),
            bus,
        };
        Ok(Self { system: System::new(ports, config, &index, settings)?, sqlite })
    }

    /// Takes the example corpus in, if there is no document at all. Says whether it did.
    ///
    /// # Errors
    /// The store's.
    pub async fn load_examples_if_empty(&self) -> anyhow::Result<bool> {
        let System { tenant, ports, ingest, .. } = &self.system;
        corpus::load_if_empty(tenant, ports.corpus.as_ref(), ingest).await
    }

    /// Where it is kept; locked while this lives.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        self.sqlite.dir()
    }

    /// Sets everything going, until [`Running::stop`].
    #[must_use]
    pub fn start(&self) -> Running {
        self.system.start(Role::All)
    }
}
