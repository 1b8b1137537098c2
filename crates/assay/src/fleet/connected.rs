//! A process's part of a fleet, connected to its database and its broker.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter_embedded::InProcessProgressBus;
use adapter_postgres::Store;
use adapter_rabbitmq::{RabbitMqHintQueue, RabbitMqProgressBus};
use anyhow::Context as _;
use async_trait::async_trait;
use contracts::Hint;
use engine::ports::{
    Clock as _, Delivery, HintQueue, JobRecords, ProgressBus, PublishError, QueueClosed,
    SystemClock,
};
use engine::schema::Schema;

use super::{BrokerSeen, DatabaseSeen, HintsSeen};
use crate::config::{Config, SecretUrl};
use crate::system::{Ports, Settings, System};

/// One process's part of a fleet, not running yet.
pub struct Fleet {
    /// Its parts.
    pub system: System,
    broker: Option<Broker>,
}

impl Fleet {
    /// Connects to the database, and in the background to the broker. The index is kept in `index`.
    ///
    /// # Errors
    /// If no database is configured, it cannot be reached, or it is not migrated to this release's
    /// form. A broker that cannot be reached is no error: jobs run without it.
    pub async fn connect(
        config: &Config,
        settings: Settings,
        index: &Path,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(Store::open(&database(config)?).await?);
        let broker = config.amqp_url.as_ref().map(Broker::open).transpose()?;
        let (queue, bus): (Arc<dyn HintQueue>, Arc<dyn ProgressBus>) = match &broker {
            Some(broker) => (broker.queue.clone(), broker.bus.clone()),
            None => (Arc::new(NoBroker), Arc::new(InProcessProgressBus::default())),
        };
        let ports = Ports {
            store: store.clone(),
            documents: store.clone(),
            corpus: store.clone(),
            secrets: store,
            queue,
            bus,
        };
        Ok(Self { system: System::new(ports, config, index, settings)?, broker })
    }

    /// Gives the connections to the broker up. What is published afterwards is lost, and repaired
    /// from the store like any loss.
    pub async fn disconnect(self) {
        if let Some(broker) = self.broker {
            broker.queue.close().await;
            broker.bus.close().await;
        }
    }
}

/// Brings the database to this release's form: how many migrations it took.
///
/// # Errors
/// If none is configured, it cannot be reached, or it is of a later form.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<usize> {
    Ok(adapter_postgres::migrate(&database(config)?).await?)
}

/// The form of the database.
///
/// # Errors
/// If none is configured, or it cannot be reached.
pub(crate) async fn schema(config: &Config) -> anyhow::Result<Schema> {
    Ok(adapter_postgres::schema(&database(config)?).await?)
}

/// What the database keeps of jobs, to be checked.
///
/// # Errors
/// Those of [`Fleet::connect`].
pub(crate) async fn records(config: &Config) -> anyhow::Result<Arc<dyn JobRecords>> {
    Ok(Arc::new(Store::open(&database(config)?).await?))
}

/// Looks at the configured database from outside.
///
/// # Errors
/// If none is configured, or it cannot be reached.
pub(crate) async fn examine_database(config: &Config) -> anyhow::Result<DatabaseSeen> {
    let examined = adapter_postgres::examine(&database(config)?).await?;
    let here = SystemClock::new().now();
    Ok(DatabaseSeen {
        server_version: examined.server_version,
        schema: examined.schema,
        unsafe_settings: examined.unsafe_settings,
        connections: examined.connections,
        connections_max: examined.connections_max,
        skew_ms: here.as_millis().abs_diff(examined.now.as_millis()),
    })
}

/// Looks at the configured broker from outside.
///
/// # Errors
/// If none is configured, or it cannot be reached.
pub(crate) async fn examine_broker(config: &Config) -> anyhow::Result<BrokerSeen> {
    let url = config.amqp_url.as_ref().context("no broker is configured: set ASSAY_AMQP_URL")?;
    let settings = adapter_rabbitmq::Settings::for_url(url.expose()).context("amqp_url")?;
    let examined = adapter_rabbitmq::examine(&settings).await?;
    let hints = examined.hints.map(|hints| HintsSeen {
        messages: hints.messages,
        consumers: hints.consumers,
        is_quorum: hints.is_quorum,
    });
    Ok(BrokerSeen { hints, is_blocked: examined.is_blocked })
}

/// How the configured database is reached.
fn database(config: &Config) -> anyhow::Result<adapter_postgres::Settings> {
    let url = config.database_url.as_ref();
    let url = url.context("no database is configured: set ASSAY_DATABASE_URL")?;
    let settings = adapter_postgres::Settings::of_url(url.expose()).context("database_url")?;
    Ok(settings.with_connections_max(config.database_connections as usize))
}

struct Broker {
    queue: Arc<RabbitMqHintQueue>,
    bus: Arc<RabbitMqProgressBus>,
}

impl Broker {
    fn open(url: &SecretUrl) -> anyhow::Result<Self> {
        let settings = adapter_rabbitmq::Settings::for_url(url.expose()).context("amqp_url")?;
        let bus = Arc::new(RabbitMqProgressBus::open(&settings));
        Ok(Self { queue: Arc::new(RabbitMqHintQueue::open(settings)), bus })
    }
}

/// The queue of a fleet without a broker: workers look into the database instead.
struct NoBroker;

#[async_trait]
impl HintQueue for NoBroker {
    async fn publish(&self, _: Hint) -> Result<(), PublishError> {
        Err(PublishError::Unavailable("no broker is configured".into()))
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        std::future::pending().await
    }

    fn outage(&self) -> Option<Duration> {
        Some(Duration::MAX)
    }
}
