//! Looking at a database from outside, without using it: for whoever wonders what is wrong.

use contracts::Timestamp;
use engine::schema::Schema;

use crate::connector::Connector;
use crate::fault::Fault;
use crate::migration::{MigrateError, reach, schema};
use crate::settings::Settings;
use crate::sql;
use crate::value::{ReadRow as _, Time, table};

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The release of its server, such as `15.4`.
    pub server_version: String,
    /// Its form.
    pub schema: Schema,
    /// Settings that let it lose what it has committed: a [`crate::Store`] refuses it.
    pub unsafe_settings: Vec<&'static str>,
    /// Connections of all its clients.
    pub connections: u32,
    /// Connections that it takes.
    pub connections_max: u32,
    /// Its clock.
    pub now: Timestamp,
}

table! {
    /// What [`sql::EXAMINE`] answers.
    ExaminedRow {
        server_version: String,
        fsync: String,
        synchronous_commit: String,
        connections_max: i32,
        connections: i32,
        now: Time,
    }
}

/// Connects twice, and changes nothing.
///
/// # Errors
/// [`MigrateError`], whose cause tells whether it was not reached, or did not let us in.
pub async fn examine(settings: &Settings) -> Result<Examined, MigrateError> {
    let schema = schema(settings).await?;
    let failed = |fault: Fault| MigrateError::Connect(reach(fault));
    let connector = Connector::new(settings)?;
    let client = connector.direct(&settings.direct).await.map_err(failed)?;
    let row = client.query_one(sql::EXAMINE, &[]).await.map_err(|error| failed(error.into()))?;
    let row = ExaminedRow::read(&row).map_err(|error| failed(error.into()))?;
    let settings = [("fsync", &row.fsync), ("synchronous_commit", &row.synchronous_commit)];
    let is_off = |(name, value): (&'static str, &String)| (value == "off").then_some(name);
    let Time(now) = row.now;
    Ok(Examined {
        schema,
        unsafe_settings: settings.into_iter().filter_map(is_off).collect(),
        connections: row.connections.unsigned_abs(),
        connections_max: row.connections_max.unsigned_abs(),
        server_version: row.server_version,
        now,
    })
}
