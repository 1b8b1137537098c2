//! The database itself: its form, its settings, and what an update costs.

use std::time::Duration;

use adapter_postgres::{ConnectError, OpenError, Settings, Store, migrate, schema};
use contracts::WorkerId;
use engine::job::Change;
use engine::ports::{Fence, JobStore as _, Written};
use engine::schema::Fit;
use testkit::build::{step_completed, step_record, step_started};
use testkit::eventually;
use testkit::servers::Postgres;
use tokio::task::JoinSet;

use crate::fleet::{Fleet, claim, queued, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_writes_no_index_of_its_job() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let mut fence = claim(&fleet.store, queued(&fleet.store).await, WorkerId::new()).await;
    for _ in 0..100 {
        let events = vec![step_started("plan"), step_completed("plan")];
        let mut write = write(fence, Change::Work { events });
        write.checkpoints = vec![step_record("plan")];
        let written = fleet.store.write(write).await.unwrap();
        assert!(matches!(written, Written::Applied(_)), "{written:?}");
        fence = Fence { write_no: fence.write_no + 1, ..fence };
    }
    // The server counts in its own time.
    let (updated, hot) = eventually(Duration::from_secs(20), async || {
        let count = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
            WHERE relname = 'jobs' AND n_tup_upd >= 101";
        let row = fleet.client.query_opt(count, &[]).await.unwrap()?;
        Some((row.get::<_, i64>(0), row.get::<_, i64>(1)))
    })
    .await;
    // All but the claim, which changes the state, and those that found their page full.
    assert!(updated == 101 && hot >= 90, "{hot} of {updated}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_a_time_migrate_once() {
    let Some(server) = Postgres::shared() else { return };
    let database = server.database(async |url| crate::fleet::prepare(&url).await).await;
    database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let settings = Settings::of_url(&database.url()).unwrap();
    let behind = schema(&settings).await.unwrap();
    assert_eq!((behind.fit(), behind.found.migration), (Fit::Behind, 0));
    let opened = Store::open(&settings).await;
    assert!(matches!(opened, Err(OpenError::Behind(found)) if found == behind));
    let mut migrations = JoinSet::new();
    for _ in 0..4 {
        let settings = settings.clone();
        migrations.spawn(async move { migrate(&settings).await.unwrap() });
    }
    let mut applied = migrations.join_all().await;
    applied.sort();
    assert_eq!(applied, [0, 0, 0, behind.own.migration as usize]);
    let migrated = schema(&settings).await.unwrap();
    assert_eq!(migrated.found, migrated.own, "the migrations give the release's own number");
    Store::open(&settings).await.expect("opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_lose_commits_is_refused() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", fleet.url());
    let opened = Store::open(&Settings::of_url(&url).unwrap()).await;
    let Err(OpenError::NotDurable { setting, value }) = opened else { panic!("it is opened") };
    assert_eq!((setting, value.as_str()), ("synchronous_commit", "off"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let settings = Settings::of_url(&format!("{}?sslmode=require", fleet.url())).unwrap();
    assert!(Store::open(&settings).await.is_err());
    let missing = Settings::of_url(&fleet.url()).unwrap().with_ca_file("/no/such/file".into());
    let opened = Store::open(&missing).await;
    assert!(matches!(opened, Err(OpenError::Connect(ConnectError::Certificates { .. }))));
}
