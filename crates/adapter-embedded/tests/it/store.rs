//! What only the embedded store promises.

use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use adapter_embedded::{DataDir, OpenError, Records, Store};
use contracts::job::Usage;
use contracts::{JobId, JobState, WorkerId};
use engine::job::Change;
use engine::ports::{
    Fence, JobRecords as _, JobStore, NewJob, Refill, Resend, StoredRecord, Submitted, Write,
    Written,
};
use rusqlite::Connection;
use testkit::build::{key, new_job, step_completed, step_record, tenant};
use testkit::clock::ManualClock;
use tokio::task::JoinSet;

#[tokio::test]
async fn at_start_every_lease_is_void() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (running, cancelling) = (accept(&store).await, accept(&store).await);
    let fence = claim(&store, running).await;
    claim(&store, cancelling).await;
    store.cancel(&tenant("a"), cancelling, None).await.unwrap();
    let change = Change::Work { events: vec![step_completed("plan")] };
    let checkpoints = vec![step_record("plan")];
    let write = Write { fence, change, checkpoints, usage: Usage::default() };
    assert!(matches!(store.write(write.clone()).await.unwrap(), Written::Applied(_)));
    drop(store);

    let store = open(dir.path());
    let job = store.get(&tenant("a"), running).await.unwrap().unwrap().job;
    assert_eq!((job.state.name(), job.crash_count), (JobState::Queued, 1));
    let other = store.get(&tenant("a"), cancelling).await.unwrap().unwrap().job;
    assert_eq!(other.state.name(), JobState::Cancelled);
    let fence = Fence { write_no: 2, ..fence };
    let late = store.write(Write { fence, ..write }).await.unwrap();
    assert!(matches!(late, Written::Fenced), "{late:?}");
    let again = store.claim(running, WorkerId::new(), &[1]).await.unwrap().unwrap();
    assert_eq!(again.done, [step_record("plan")]);
}

#[tokio::test]
async fn records_are_read_as_the_former_process_left_them() {
    let dir = tempfile::tempdir().unwrap();
    let at_rest = || Records::open(DataDir::open(dir.path()).unwrap());
    assert!(matches!(at_rest(), Err(OpenError::Open(_))), "there is no database");
    let store = open(dir.path());
    let id = accept(&store).await;
    claim(&store, id).await;
    drop(store);

    for _ in 0..2 {
        let page = at_rest().unwrap().page(None, 10).await.unwrap();
        let Some(StoredRecord::Read(record)) = page.records.first() else { panic!("{page:?}") };
        assert_eq!((record.job.id, record.job.state.name()), (id, JobState::Running));
        assert_eq!(page.watch, None);
    }
}

#[tokio::test]
async fn at_start_every_hint_is_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = accept(&store).await;
    let window = Refill { window: 10, resend: Resend::always(Duration::from_secs(3_600)) };
    assert_eq!(store.refill(window).await.unwrap().len(), 1);
    assert!(store.refill(window).await.unwrap().is_empty());
    drop(store);
    let hints = open(dir.path()).refill(window).await.unwrap();
    assert_eq!(hints.iter().map(|hint| hint.job_id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let id = accept(&store).await;
    // A copy of the files as they are now is what a killed process would leave.
    let killed = tempfile::tempdir().unwrap();
    for name in ["assay.db", "assay.db-wal"] {
        std::fs::copy(dir.path().join(name), killed.path().join(name)).unwrap();
    }
    drop(store);
    let found = open(killed.path()).get(&tenant("a"), id).await.unwrap();
    assert_eq!(found.unwrap().job.id, id);
}

#[tokio::test]
async fn migrations_change_nothing_at_the_second_start() {
    let dir = tempfile::tempdir().unwrap();
    let id = accept(&open(dir.path())).await;
    let before = schema(dir.path());
    assert!(open(dir.path()).get(&tenant("a"), id).await.unwrap().is_some());
    assert_eq!(schema(dir.path()), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("assay.db"), "not a database, and long enough to be read")
        .unwrap();
    let owned = DataDir::open(dir.path()).unwrap();
    let opened = Store::open(owned, Arc::new(ManualClock::default()));
    assert!(matches!(opened, Err(OpenError::Open(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_share_transactions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let started = std::time::Instant::now();
    let before = store.write_counts();
    let mut submissions = JoinSet::new();
    for _ in 0..1_000 {
        let store = Arc::clone(&store);
        submissions.spawn(async move { accept(&store).await });
    }
    let ids = submissions.join_all().await;
    let counts = store.write_counts();
    assert_eq!(counts.requests - before.requests, 1_000);
    let transactions = counts.transactions - before.transactions;
    assert!(transactions <= 500, "{transactions} transactions for 1000 requests");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    for id in ids {
        assert!(store.get(&tenant("a"), id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_lone_write_waits_for_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for _ in 0..5 {
        accept(&store).await;
    }
    let counts = store.write_counts();
    assert_eq!((counts.requests, counts.transactions), (5, 5));
}

#[tokio::test]
async fn a_request_whose_caller_left_is_still_committed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let new = new_job(&tenant("a"));
    let id = new.identity.id;
    let mut abandoned = store.submit(new);
    // Polled once, the request is sent; its answer is not waited for.
    std::future::poll_fn(|context| {
        let _ = abandoned.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
    drop(abandoned);
    drop(store);
    assert!(open(dir.path()).get(&tenant("a"), id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_deleted_job_leaves_nothing_but_its_tombstone() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store =
        Store::open(DataDir::open(dir.path()).unwrap(), Arc::clone(&clock) as Arc<_>).unwrap();
    let new = NewJob {
        idempotency: Some(key("k", 1)),
        carried: vec![step_record("plan")],
        carried_events: vec![step_completed("plan")],
        ..new_job(&tenant("a"))
    };
    let id = new.identity.id;
    store.submit(new).await.unwrap();
    store.claim(id, WorkerId::new(), &[1]).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(3_600));
    store.sweep(Duration::from_secs(10), 10).await.unwrap();
    let filled = rows(dir.path());
    clock.advance(Duration::from_secs(31 * 24 * 3_600));
    store.sweep(Duration::from_secs(10), 10).await.unwrap();
    let left: Vec<_> = rows(dir.path()).into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(left, [("tombstones".to_owned(), 1)]);
    for table in ["attempts", "events", "idempotency", "job_inputs", "job_results", "steps"] {
        assert!(filled.iter().any(|(name, count)| name == table && *count > 0), "{filled:?}");
    }
}

/// The number of rows of every table that jobs are kept in.
fn rows(dir: &Path) -> Vec<(String, i64)> {
    let tables = texts(
        dir,
        "SELECT name FROM sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'refinery%' AND name NOT IN ('secrets', 'schema_releases')
         ORDER BY name",
    );
    let connection = Connection::open(dir.join("assay.db")).expect("opened");
    let count = |table: String| {
        let count = format!("SELECT count(*) FROM {table}");
        let count = connection.query_row(&count, [], |row| row.get(0)).expect("counted");
        (table, count)
    };
    tables.into_iter().map(count).collect()
}

fn schema(dir: &Path) -> Vec<String> {
    texts(dir, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
}

fn texts(dir: &Path, select: &str) -> Vec<String> {
    let connection = Connection::open(dir.join("assay.db")).expect("opened");
    let mut select = connection.prepare(select).expect("prepared");
    let rows = select.query_map([], |row| row.get(0)).expect("read");
    rows.collect::<Result<_, _>>().expect("read")
}

fn open(dir: &Path) -> Arc<Store> {
    let owned = DataDir::open(dir).expect("owned");
    Arc::new(Store::open(owned, Arc::new(ManualClock::default())).expect("opened"))
}

async fn accept(store: &Store) -> JobId {
    match store.submit(new_job(&tenant("a"))).await.expect("submitted") {
        Submitted::Created { committed, .. } => committed.job.id,
        other @ (Submitted::Replayed(_) | Submitted::KeyReused | Submitted::KeyGone) => {
            panic!("not accepted: {other:?}")
        }
    }
}

async fn claim(store: &Store, id: JobId) -> Fence {
    let worker = WorkerId::new();
    let claimed = store.claim(id, worker, &[1]).await.expect("claimed").expect("due");
    let epoch = claimed.committed.job.epoch;
    Fence { job_id: id, worker, epoch, write_no: 1 }
}
