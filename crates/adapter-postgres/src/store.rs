use std::sync::Arc;

use engine::faults::{CLAIM, SUBMIT, SWEEP, WRITE};
use engine::schema::{Fit, Schema};
use telemetry::metrics::Observation;
use telemetry::metrics::store::{Operation, PoolName};

use crate::connector::{ConnectError, Connector};
use crate::database::{Database, Query};
use crate::fault::Fault;
use crate::group_commit::{Lane, Named};
use crate::job_store::{Changes, LateNews, Leases, Submissions, UnknownClaims};
use crate::migration::{MigrateError, schema};
use crate::settings::Settings;
use crate::sql;

/// Jobs and documents in a PostgreSQL database that any number of processes share.
///
/// It implements [`engine::ports::JobStore`], [`engine::ports::JobRecords`],
/// [`engine::ports::DocumentStore`] and [`engine::ports::Corpus`]. Its connections and its batches
/// belong to the runtime that it was opened on; it may be used from any other.
pub struct Store {
    database: Database,
    submissions: Lane<Submissions>,
    claims: Lane<Changes>,
    writes: Lane<Changes>,
    sweeps: Lane<Changes>,
    leases: Leases,
    late_news: LateNews,
    unknown_claims: Arc<UnknownClaims>,
    _shown: [Observation; 2],
}

/// Lanes of batches. Each has a connection whenever it needs one, however many reads wait for
/// theirs.
const LANES: usize = 4;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its form cannot be told.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// It is not migrated to this release's form.
    #[error("the database has {}, and this release needs {}: run `assay migrate`", .0.found, .0.own)]
    Behind(Schema),
    /// It is migrated to a form that came after the next release's.
    #[error("{}", .0.beyond())]
    Beyond(Schema),
    /// It answers before what was committed is on the disk: what is accepted could be lost.
    #[error("the database is set to lose commits in a crash: {setting} is {value}")]
    NotDurable {
        /// The server's setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
}

impl Store {
    /// Opens a database of this release's form, or of the next one's.
    ///
    /// # Errors
    /// [`OpenError`]. A database whose settings let it lose what it has committed is refused.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let connector = Connector::new(settings)?;
        let schema = schema(settings).await?;
        match schema.fit() {
            Fit::Own | Fit::Next => {}
            Fit::Behind => return Err(OpenError::Behind(schema)),
            Fit::Beyond => return Err(OpenError::Beyond(schema)),
        }
        let reads = connector.pool(settings, settings.connections_max)?;
        let database = Database::new(PoolName::Reads, reads);
        check_durability(&database).await?;
        let lanes = Database::new(PoolName::Commits, connector.pool(settings, LANES)?);
        let named = |operation, points| Named { operation, points };
        let changes = |named| Lane::start(named, Changes::waiting(lanes.clone()));
        let submissions = Submissions::new(lanes.clone());
        let sweeps = Changes::of_free_rows(lanes.clone());
        Ok(Self {
            _shown: [database.show(), lanes.show()],
            submissions: Lane::start(named(Operation::Submit, SUBMIT), submissions),
            claims: changes(named(Operation::Claim, CLAIM)),
            writes: changes(named(Operation::Write, WRITE)),
            sweeps: Lane::start(named(Operation::Sweep, SWEEP), sweeps),
            leases: Leases::new(connector, settings.direct.clone()),
            late_news: LateNews::default(),
            unknown_claims: Arc::default(),
            database,
        })
    }

    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) const fn submissions(&self) -> &Lane<Submissions> {
        &self.submissions
    }

    pub(crate) const fn claims(&self) -> &Lane<Changes> {
        &self.claims
    }

    pub(crate) const fn writes(&self) -> &Lane<Changes> {
        &self.writes
    }

    pub(crate) const fn sweeps(&self) -> &Lane<Changes> {
        &self.sweeps
    }

    pub(crate) const fn leases(&self) -> &Leases {
        &self.leases
    }

    pub(crate) const fn late_news(&self) -> &LateNews {
        &self.late_news
    }

    pub(crate) const fn unknown_claims(&self) -> &Arc<UnknownClaims> {
        &self.unknown_claims
    }
}

async fn check_durability(database: &Database) -> Result<(), OpenError> {
    let unreachable = |fault: Fault| ConnectError::Reach(Box::new(fault));
    let rows = database.run(Query::plain(sql::SELECT_SETTINGS)).await.map_err(unreachable)?;
    for setting in ["fsync", "synchronous_commit"] {
        let value = rows.first().map_or(Ok(String::new()), |row| row.try_get(setting));
        let value = value.map_err(|error| unreachable(error.into()))?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting, value });
        }
    }
    Ok(())
}
