use std::sync::Arc;

use contracts::Timestamp;
use engine::ports::Clock;
use engine::schema::Schema;

use crate::data_dir::DataDir;
use crate::database::{self, Database, LateNews, OpenError, Readers, WriteCounts, Writer};
use crate::document_store;
use crate::job_store::{self, LastServed, Leases};

/// Jobs and documents in one SQLite file.
///
/// It implements [`engine::ports::JobStore`], [`engine::ports::DocumentStore`] and
/// [`engine::ports::Corpus`]. Dropping it
/// waits until what was asked of it is written; a process that is killed instead loses nothing
/// that was answered.
pub struct Store {
    database: Database,
    clock: Arc<dyn Clock>,
    leases: Leases,
    last_served: LastServed,
    late_news: LateNews,
    // Dropped after the database: the directory is this process's until the last write is done.
    dir: DataDir,
}

/// How the form of a directory's database stands to this release's. Nothing of it is changed.
///
/// # Errors
/// [`OpenError::Open`], also if there is no database.
pub fn schema(dir: &DataDir) -> Result<Schema, OpenError> {
    database::schema(&dir.database())
}

impl Store {
    /// Opens the directory's database, creating or migrating it where needed.
    ///
    /// A database of the next release's form is served as it is.
    ///
    /// At start every lease is void: the jobs and documents that the former process held are given
    /// back, each with a crash counted, and hints are taken again.
    ///
    /// Blocks for the time of the migrations, and for a moment for each job that was held.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: DataDir, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let late_news = LateNews::default();
        let database =
            Database::open(&dir.database(), Arc::clone(&clock), late_news.clone(), |tx| {
                document_store::recover(tx)?;
                job_store::recover(tx)
            })?;
        let (leases, last_served) = (Leases::default(), LastServed::default());
        Ok(Self { database, clock, leases, last_served, late_news, dir })
    }

    /// The directory that it lives in.
    #[must_use]
    pub const fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// How much was written since it was opened.
    #[must_use]
    pub fn write_counts(&self) -> WriteCounts {
        self.database.writer.counts()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) const fn readers(&self) -> &Readers {
        &self.database.readers
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.database.writer
    }

    pub(crate) const fn leases(&self) -> &Leases {
        &self.leases
    }

    pub(crate) const fn last_served(&self) -> &LastServed {
        &self.last_served
    }

    pub(crate) const fn late_news(&self) -> &LateNews {
        &self.late_news
    }
}
