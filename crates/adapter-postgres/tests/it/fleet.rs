//! A database of a test's own, with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use adapter_postgres::{Settings, Store, migrate};
use contracts::job::Usage;
use contracts::{JobId, WorkerId};
use engine::job::Change;
use engine::ports::{Fence, JobStore as _, NewJob, Submitted, Write};
use testkit::build::{new_job, tenant};
use testkit::servers::{Postgres, TestDatabase};
use tokio_postgres::{Client, NoTls};

/// Takes the database's one clock into the test's hands: it stands still until it is moved.
const CLOCK: &str = "
    CREATE TABLE test_clock (at timestamptz NOT NULL);
    INSERT INTO test_clock VALUES ('2026-11-22 12:00:00Z');
    CREATE OR REPLACE FUNCTION assay_now() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT at FROM test_clock';
";

/// A database, and one of the stores that may use it.
pub(crate) struct Fleet {
    pub(crate) store: Arc<Store>,
    /// The test's own connection.
    pub(crate) client: Client,
    // Dropped last.
    database: TestDatabase<'static>,
}

impl Fleet {
    /// A new database. The test must have made sure that there is a server.
    pub(crate) async fn new() -> Self {
        let server = Postgres::shared().expect("a server");
        let database = server.database(|url| async move { prepare(&url).await }).await;
        let store = open(&database.url()).await;
        let client = connect(&database.url()).await;
        client.batch_execute(CLOCK).await.expect("the clock is ours");
        Self { store, client, database }
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// Another process's store over the same database.
    pub(crate) async fn another_store(&self) -> Arc<Store> {
        open(&self.url()).await
    }

    /// Moves the clock.
    pub(crate) async fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("a short time");
        let advance = "UPDATE test_clock SET at = at + $1::bigint * interval '1 millisecond'";
        self.client.execute(advance, &[&ms]).await.expect("moved");
    }
}

/// Brings an empty database to this release's form.
pub(crate) async fn prepare(url: &str) {
    migrate(&Settings::of_url(url).expect("a URL")).await.expect("migrated");
}

/// A store over a database.
pub(crate) async fn open(url: &str) -> Arc<Store> {
    let settings = Settings::of_url(url).expect("a URL").with_connections_max(6);
    Arc::new(Store::open(&settings).await.expect("opened"))
}

/// A connection of the test's own.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    tokio::spawn(connection);
    client
}

/// A job that was accepted.
pub(crate) async fn accept(store: &Store, new: NewJob) -> JobId {
    match store.submit(new).await.expect("submitted") {
        Submitted::Created { committed, .. } => committed.job.id,
        other @ (Submitted::Replayed(_) | Submitted::KeyReused | Submitted::KeyGone) => {
            panic!("not accepted: {other:?}")
        }
    }
}

/// A queued job of tenant `a`.
pub(crate) async fn queued(store: &Store) -> JobId {
    accept(store, new_job(&tenant("a"))).await
}

/// The right to the first write of a job that is claimed for a worker.
pub(crate) async fn claim(store: &Store, id: JobId, worker: WorkerId) -> Fence {
    let claimed = store.claim(id, worker, &[1]).await.expect("claimed").expect("due");
    Fence { job_id: id, worker, epoch: claimed.committed.job.epoch, write_no: 1 }
}

/// A write with nothing beside its change.
pub(crate) fn write(fence: Fence, change: Change) -> Write {
    Write { fence, change, checkpoints: Vec::new(), usage: Usage::default() }
}
