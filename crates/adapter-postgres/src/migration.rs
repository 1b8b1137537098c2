//! Bringing a database to this release's form.

use crate::connector::{ConnectError, Connector};
use crate::fault::Fault;
use crate::settings::Settings;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// What keeps two migrations from running at a time.
const LOCK: &str = "SELECT pg_advisory_lock(x'a55a1'::bigint)";
/// A migration may take its time, and waits for its turn.
const UNLIMITED: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
                         SET idle_in_transaction_session_timeout = 0";
/// It does not wait long for a table that somebody uses: everybody else would queue up behind it.
const IMPATIENT: &str = "SET lock_timeout = '5s'";

/// Where refinery lists the migrations that a database has seen.
const HAS_LIST: &str = "SELECT to_regclass('refinery_schema_history') IS NOT NULL AS has_list";

/// Why a database was not migrated. It is as it was before the migration that failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It refused.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How a database's form stands to this release's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The newest migration that it has seen; 0 if none.
    pub found: u32,
    /// The newest that this release knows.
    pub known: u32,
}

impl Schema {
    /// Whether migrations are missing. A database that is ahead of this release is not behind: the
    /// release before it still runs on every form.
    #[must_use]
    pub const fn is_behind(self) -> bool {
        self.found < self.known
    }
}

/// Brings the database to this release's form, and returns how many migrations that took.
///
/// Processes that migrate at a time wait for each other, and all but the first find nothing to do.
///
/// # Errors
/// [`MigrateError`].
pub async fn migrate(settings: &Settings) -> Result<usize, MigrateError> {
    let connector = Connector::new(settings)?;
    let mut client = connector.direct(&settings.direct).await.map_err(reach)?;
    for statement in [UNLIMITED, LOCK, IMPATIENT] {
        client.batch_execute(statement).await.map_err(refused)?;
    }
    let runner = embedded::migrations::runner().set_abort_missing(false);
    let report = runner.run_async(&mut *client).await.map_err(refused)?;
    // The lock goes with the connection.
    Ok(report.applied_migrations().len())
}

/// How the database's form stands to this release's. Nothing is changed.
///
/// # Errors
/// [`MigrateError`].
pub async fn schema(settings: &Settings) -> Result<Schema, MigrateError> {
    let connector = Connector::new(settings)?;
    let mut client = connector.direct(&settings.direct).await.map_err(reach)?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let known = known.map_or(0, version);
    let has_list = client.query_one(HAS_LIST, &[]).await.map_err(refused)?;
    // An empty database has none yet.
    if !has_list.try_get("has_list").map_err(refused)? {
        return Ok(Schema { found: 0, known });
    }
    let last = runner.get_last_applied_migration_async(&mut *client).await.map_err(refused)?;
    Ok(Schema { found: last.map_or(0, |migration| version(migration.version())), known })
}

fn version(version: refinery::SchemaVersion) -> u32 {
    u32::try_from(version).unwrap_or(0)
}

pub(crate) fn reach(fault: Fault) -> ConnectError {
    ConnectError::Reach(Box::new(fault))
}

fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> MigrateError {
    MigrateError::Migrate(error.into())
}
