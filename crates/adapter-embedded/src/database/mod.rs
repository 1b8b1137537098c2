//! One SQLite file: one connection that writes, a few that read.

mod form;
mod late_news;
mod readers;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::{Clock, StoreError};
use engine::schema::{Fit, Schema};
use rusqlite::{Connection, OpenFlags};

use crate::fault::Fault;

pub(crate) use late_news::LateNews;
pub(crate) use readers::Readers;
pub(crate) use writer::{Tx, Writer};

pub use writer::WriteCounts;

/// How long a statement waits for a lock that another program, such as a backup, holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS_MAX: usize = 128;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, or is no database.
    #[error("the database cannot be opened")]
    Open(#[source] StoreError),
    /// Its tables could not be brought to this release's form. It is as it was before the
    /// migration that failed.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its tables are those of an earlier release, and it was opened to be read alone.
    #[error("the database has {}, and this release needs {}: start it once", .0.found, .0.own)]
    Behind(Schema),
    /// Its tables are those of a release after the next one. Nothing of it was touched.
    #[error("{}", .0.beyond())]
    Beyond(Schema),
    /// What a former process left could not be put in order.
    #[error("the jobs of the former process cannot be given back")]
    Recover(#[source] StoreError),
}

/// The ways into one database file.
pub(crate) struct Database {
    pub(crate) readers: Readers,
    // Dropped last: it waits until what was asked of it is written.
    pub(crate) writer: Writer,
}

impl Database {
    /// Opens the file, creating and migrating it where needed, and runs `recover` before anybody
    /// else can write.
    ///
    /// Blocks for the time of the migrations.
    pub(crate) fn open(
        file: &Path,
        clock: Arc<dyn Clock>,
        late_news: LateNews,
        recover: impl FnOnce(&mut Tx<'_>) -> Result<(), Fault>,
    ) -> Result<Self, OpenError> {
        let failed = |fault: Fault| OpenError::Open(fault.into());
        let mut connection = open_migrated(file)?;
        writer::transact(&mut connection, clock.now(), recover)
            .map_err(|fault| OpenError::Recover(fault.into()))?;
        let readers = Readers::open(|| open_for_reading(file)).map_err(failed)?;
        let writer = Writer::start(connection, clock, late_news).map_err(failed)?;
        Ok(Self { readers, writer })
    }
}

/// Connections that can only read a file that is there. Nothing of it is changed: neither is it
/// migrated, nor is anything given back.
pub(crate) fn open_at_rest(file: &Path) -> Result<Readers, OpenError> {
    let failed = |fault: Fault| OpenError::Open(fault.into());
    let schema = schema(file)?;
    match schema.fit() {
        Fit::Own | Fit::Next => {}
        Fit::Behind => return Err(OpenError::Behind(schema)),
        Fit::Beyond => return Err(OpenError::Beyond(schema)),
    }
    Readers::open(|| open_for_reading(file)).map_err(failed)
}

/// How the form of a file that is there stands to this release's. Nothing of it is changed.
pub(crate) fn schema(file: &Path) -> Result<Schema, OpenError> {
    let schema = open_for_reading(file).and_then(|connection| form::read(&connection));
    schema.map_err(|fault| OpenError::Open(fault.into()))
}

/// A connection that writes, to a database of this release's form, or of the next one's.
pub(crate) fn open_migrated(file: &Path) -> Result<Connection, OpenError> {
    let failed = |fault: Fault| OpenError::Open(fault.into());
    if file.exists() {
        // Before anything of a database that is not ours is touched.
        let schema = schema(file)?;
        match schema.fit() {
            Fit::Own | Fit::Behind => {}
            Fit::Next => return open_for_writing(file).map_err(failed),
            Fit::Beyond => return Err(OpenError::Beyond(schema)),
        }
    }
    let mut connection = open_for_writing(file).map_err(failed)?;
    form::migrate(&mut connection)?;
    Ok(connection)
}

fn open_for_writing(file: &Path) -> Result<Connection, Fault> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL mode only FULL makes a commit durable before it returns.
    connection.pragma_update(None, "synchronous", "full")?;
    prepare(&connection)?;
    Ok(connection)
}

fn open_for_reading(file: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{form, open_for_reading, open_for_writing, open_migrated};

    #[test]
    fn a_commit_is_durable_and_keeps_references_whole() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_migrated(&dir.path().join("assay.db")).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        // 2 is FULL: the log is synced before a commit returns.
        assert_eq!(pragma("synchronous").unwrap(), 2);
        assert_eq!(pragma("foreign_keys").unwrap(), 1);
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn documents_of_an_earlier_release_keep_their_passages() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.db");
        let mut connection = open_for_writing(&file).unwrap();
        form::migrate_to(&mut connection, 2);
        let written = "
            INSERT INTO documents VALUES (
                zeroblob(16), 'default', 1, '3M', '3m', 'Report', NULL, NULL, 'abc', 9, 2, 5);
            INSERT INTO passages VALUES (zeroblob(16), 1, 2, 'Sales', 'Net sales 32,765');
            INSERT INTO corpus_changes VALUES ('default', 1, 'added', zeroblob(16));";
        connection.execute_batch(written).unwrap();
        drop(connection);

        let connection = open_migrated(&file).unwrap();
        let read = "SELECT state || ' ' || title || ' ' || pages || ' ' || heading || ' ' || text
                    FROM documents JOIN passages ON document_id = id";
        let found: String = connection.query_row(read, [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ready Report 2 Sales Net sales 32,765");
        connection.execute("DELETE FROM documents", []).unwrap();
        let left: i64 =
            connection.query_row("SELECT count(*) FROM passages", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "passages go with their document, as before");
    }

    #[test]
    fn a_reading_connection_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.db");
        let _writing = open_migrated(&file).unwrap();
        let reading = open_for_reading(&file).unwrap();
        assert!(reading.execute("DELETE FROM jobs", []).is_err());
    }
}
