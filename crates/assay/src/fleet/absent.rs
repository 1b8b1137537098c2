//! What stands for a fleet in a program that was built without one.

use std::path::Path;
use std::sync::Arc;

use engine::ports::JobRecords;
use engine::schema::Schema;

use super::{BrokerSeen, DatabaseSeen};
use crate::config::Config;
use crate::system::{Settings, System};

/// Nothing: there is no fleet in this program.
pub struct Fleet {
    /// Its parts.
    pub system: System,
}

impl Fleet {
    /// Says how to build a program that can.
    ///
    /// # Errors
    /// Always.
    pub async fn connect(_: &Config, _: Settings, _: &Path) -> anyhow::Result<Self> {
        Err(absence())
    }

    /// Does nothing.
    pub async fn disconnect(self) {}
}

pub(crate) async fn migrate(_: &Config) -> anyhow::Result<usize> {
    Err(absence())
}

pub(crate) async fn schema(_: &Config) -> anyhow::Result<Schema> {
    Err(absence())
}

pub(crate) async fn records(_: &Config) -> anyhow::Result<Arc<dyn JobRecords>> {
    Err(absence())
}

pub(crate) async fn examine_database(_: &Config) -> anyhow::Result<DatabaseSeen> {
    Err(absence())
}

pub(crate) async fn examine_broker(_: &Config) -> anyhow::Result<BrokerSeen> {
    Err(absence())
}

fn absence() -> anyhow::Error {
    anyhow::anyhow!(
        "this program was built without the fleet: build it with `cargo build --release --features \
         fleet`"
    )
}
