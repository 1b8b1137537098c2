//! The form of a file's tables, and bringing it to this release's.

use engine::schema::{Form, RELEASE, Schema};
use rusqlite::Connection;

use super::OpenError;
use crate::fault::Fault;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

const HAS_TABLE: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
const FIND_MIGRATION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
const FIND_RELEASE: &str = "SELECT coalesce(max(release), 0) FROM schema_releases";

/// How the file's form stands to this release's. Nothing is changed.
pub(super) fn read(connection: &Connection) -> Result<Schema, Fault> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let known = known.and_then(|version| u32::try_from(version).ok()).unwrap_or(0);
    let number = |table: &str, query: &str| -> Result<Option<u32>, Fault> {
        let is_there: bool = connection.query_row(HAS_TABLE, [table], |row| row.get(0))?;
        Ok(if is_there { Some(connection.query_row(query, [], |row| row.get(0))?) } else { None })
    };
    // An empty file has no list yet.
    let migration = number("refinery_schema_history", FIND_MIGRATION)?.unwrap_or(0);
    // The first release did not say so.
    let release = number("schema_releases", FIND_RELEASE)?.unwrap_or_else(|| migration.min(1));
    let own = Form { release: RELEASE, migration: known };
    Ok(Schema { found: Form { release, migration }, own })
}

/// Takes the migrations that are missing.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let run = embedded::migrations::runner().set_abort_missing(false).run(connection);
    run.map_err(|error| OpenError::Migrate(Box::new(error)))?;
    Ok(())
}

/// Takes the migrations of an earlier release.
#[cfg(test)]
pub(super) fn migrate_to(connection: &mut Connection, version: refinery::SchemaVersion) {
    let target = refinery::Target::Version(version);
    embedded::migrations::runner().set_target(target).run(connection).unwrap();
}
