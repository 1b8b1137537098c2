//! Bringing a database to this release's form.

use engine::schema::{Fit, Form, RELEASE, Schema};
use tokio_postgres::Client;

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

/// Whether the database has what tells its form: refinery's list, and that of releases, which came
/// with the second of them.
const HAS_LISTS: &str = "SELECT to_regclass('refinery_schema_history') IS NOT NULL AS has_list, \
                         to_regclass('schema_releases') IS NOT NULL AS has_releases";
const FIND_MIGRATION: &str =
    "SELECT coalesce(max(version), 0)::integer AS migration FROM refinery_schema_history";
const FIND_RELEASE: &str =
    "SELECT coalesce(max(release), 0)::integer AS release FROM schema_releases";

/// Why a database was not migrated. It is as it was before the migration that failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It refused.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has a form that came after the next release's. Nothing of it was touched.
    #[error("{}", .0.beyond())]
    Beyond(Schema),
}

/// Brings the database to this release's form, and returns how many migrations that took: none if
/// it has the next release's form, which this one serves.
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
    // The lock goes with the connection.
    let schema = read(&client).await?;
    match schema.fit() {
        Fit::Behind | Fit::Own => {}
        Fit::Next => return Ok(0),
        Fit::Beyond => return Err(MigrateError::Beyond(schema)),
    }
    let runner = embedded::migrations::runner().set_abort_missing(false);
    let report = runner.run_async(&mut *client).await.map_err(refused)?;
    Ok(report.applied_migrations().len())
}

/// How the database's form stands to this release's. Nothing is changed.
///
/// # Errors
/// [`MigrateError`].
pub async fn schema(settings: &Settings) -> Result<Schema, MigrateError> {
    let connector = Connector::new(settings)?;
    let client = connector.direct(&settings.direct).await.map_err(reach)?;
    read(&client).await
}

async fn read(client: &Client) -> Result<Schema, MigrateError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let own = Form { release: RELEASE, migration: known.map_or(0, version) };
    let has = client.query_one(HAS_LISTS, &[]).await.map_err(refused)?;
    let number = async |is_there: &str, query: &str| {
        if !has.try_get::<_, bool>(is_there).map_err(refused)? {
            return Ok(None);
        }
        let row = client.query_one(query, &[]).await.map_err(refused)?;
        let number: i32 = row.try_get(0).map_err(refused)?;
        Ok::<_, MigrateError>(Some(number.unsigned_abs()))
    };
    // An empty database has no list yet.
    let migration = number("has_list", FIND_MIGRATION).await?.unwrap_or(0);
    let release = number("has_releases", FIND_RELEASE).await?;
    // The first release did not say so.
    let release = release.unwrap_or_else(|| migration.min(1));
    Ok(Schema { found: Form { release, migration }, own })
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
