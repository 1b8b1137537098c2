//! Signs of life. Each worker has a connection of its own for them, which holds a session lock as
//! long as it stands: a worker that dies loses the lock at once, and its lease soon after.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError};

use contracts::{JobId, WorkerId};
use deadpool_postgres::ClientWrapper;
use engine::ports::Renewal;
use tokio::sync::Mutex;
use tokio_postgres::Config;
use uuid::Uuid;

use crate::connector::Connector;
use crate::database::{Database, Parameter, Query, Rows, pipeline};
use crate::fault::{Fault, to_stored};
use crate::sql;

/// Workers with a connection of their own. Beyond that, a worker's silence alone tells of its
/// death. A process has one worker.
const HEARTS_MAX: usize = 64;

/// A worker's own connection; `None` before the first renewal and after a loss.
type Heart = Arc<Mutex<Option<ClientWrapper>>>;

/// The workers that renew their leases through this store.
pub(crate) struct Leases {
    connector: Connector,
    config: Config,
    hearts: SyncMutex<HashMap<WorkerId, Heart>>,
}

impl Leases {
    pub(crate) fn new(connector: Connector, config: Config) -> Self {
        Self { connector, config, hearts: SyncMutex::default() }
    }

    /// Renews a worker's lease, and finds the jobs that it must stop. The worker's connection lives
    /// on the runtime that this was first called on, and is made anew once that has ended.
    ///
    /// # Cancel safety
    /// Dropped, the lease may or may not be renewed.
    pub(crate) async fn renew(
        &self,
        database: &Database,
        worker: WorkerId,
        pipelines: &[u32],
    ) -> Result<Renewal, Fault> {
        let incarnation = *worker.as_uuid();
        let pipelines = pipelines.iter().map(|n| to_stored(*n, "pipeline version"));
        let pipelines = pipelines.collect::<Result<Vec<i32>, _>>()?;
        let Some(heart) = self.heart(worker) else {
            let sign = Sign { incarnation, key: None, pipelines };
            let [renew, cancelling] = sign.queries();
            database.run(renew).await?;
            return read(&database.run(cancelling).await?);
        };
        let key = Some(lock_key(worker));
        let mut connection = heart.lock().await;
        if connection.as_ref().is_none_or(|connection| connection.is_closed()) {
            *connection = None;
            *connection = Some(self.connect(key).await?);
        }
        let Some(open) = connection.as_ref() else { return Err(Fault::Closed) };
        match pipeline(open, &Sign { incarnation, key, pipelines }.queries()).await {
            Ok(rows) => rows.last().map_or(Ok(Renewal::default()), read),
            Err(fault) => {
                // Whatever it was, a new connection begins without it.
                *connection = None;
                Err(fault)
            }
        }
    }

    /// Forgets a worker, and closes its connection.
    pub(crate) async fn retire(&self, database: &Database, worker: WorkerId) -> Result<(), Fault> {
        let heart = self.lock().remove(&worker);
        drop(heart);
        let incarnation = worker.as_uuid();
        database.run(Query::new(sql::RETIRE_WORKER, [incarnation as Parameter<'_>])).await?;
        Ok(())
    }

    async fn connect(&self, key: Option<i64>) -> Result<ClientWrapper, Fault> {
        // It beats with its worker: nothing that the store's own runtime does may delay it.
        let connection = self.connector.here().direct(&self.config).await?;
        pipeline(&connection, &[Query::new(sql::HOLD_LOCK, [&key as Parameter<'_>])]).await?;
        Ok(connection)
    }

    fn heart(&self, worker: WorkerId) -> Option<Heart> {
        let mut hearts = self.lock();
        if hearts.len() >= HEARTS_MAX && !hearts.contains_key(&worker) {
            return None;
        }
        Some(Arc::clone(hearts.entry(worker).or_default()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkerId, Heart>> {
        self.hearts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker says at each beat.
struct Sign {
    incarnation: Uuid,
    key: Option<i64>,
    pipelines: Vec<i32>,
}

impl Sign {
    fn queries(&self) -> [Query<'_>; 2] {
        let Self { incarnation, key, pipelines } = self;
        [
            Query::new(sql::RENEW_WORKER, [incarnation as Parameter<'_>, key, pipelines]),
            Query::new(sql::FIND_CANCELLING, [incarnation as Parameter<'_>]),
        ]
    }
}

fn read(rows: &Rows) -> Result<Renewal, Fault> {
    let ids = rows.iter().map(|row| row.try_get("id").map(JobId::from_uuid));
    Ok(Renewal { cancelling: ids.collect::<Result<_, _>>()? })
}

/// The lock that stands for a worker: the random half of its id.
fn lock_key(worker: WorkerId) -> i64 {
    let (_, random) = worker.as_uuid().as_u64_pair();
    i64::from_ne_bytes(random.to_ne_bytes())
}
