//! Which workers live, as several processes see it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use contracts::{JobState, WorkerId};
use engine::ports::JobStore as _;
use testkit::build::tenant;
use testkit::eventually;
use testkit::servers::Postgres;
use tokio::runtime;
use tokio::time::timeout;

use crate::fleet::{Fleet, claim, open, queued};

const LEASE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_loses_its_jobs_long_before_its_lease_ends() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let (dying, living) = (fleet.another_store().await, fleet.another_store().await);
    let (dead, alive) = (WorkerId::new(), WorkerId::new());
    let (lost, kept) = (queued(&fleet.store).await, queued(&fleet.store).await);
    claim(&dying, lost, dead).await;
    claim(&living, kept, alive).await;
    // Locks count once the sweeps have been there for a lease.
    for _ in 0..=LEASE.as_secs() {
        dying.renew(dead, &[1]).await.unwrap();
        living.renew(alive, &[1]).await.unwrap();
        assert!(fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty());
        fleet.pass(Duration::from_secs(1)).await;
    }
    dying.renew(dead, &[1]).await.unwrap();
    living.renew(alive, &[1]).await.unwrap();
    assert!(fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty());
    drop(dying);
    fleet.pass(Duration::from_millis(1_400)).await;
    assert!(
        fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty(),
        "it may connect again"
    );
    fleet.pass(Duration::from_millis(100)).await;
    // The server notices the end of a session in its own time.
    let committed = eventually(Duration::from_secs(5), async || {
        let committed = fleet.store.sweep(LEASE, 100).await.unwrap().committed;
        (!committed.is_empty()).then_some(committed)
    })
    .await;
    assert_eq!(committed.iter().map(|committed| committed.job.id).collect::<Vec<_>>(), [lost]);
    // As silent as the other one, but its session stands.
    let job = fleet.store.get(&tenant("a"), kept).await.unwrap().unwrap().job;
    assert_eq!(job.state.name(), JobState::Running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_held_its_lock_since_the_first_sweep_is_missed_at_once() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let (dying, worker) = (fleet.another_store().await, WorkerId::new());
    assert!(fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty(), "the first sweep");
    fleet.pass(Duration::from_millis(500)).await;
    dying.renew(worker, &[1]).await.unwrap();
    let id = queued(&fleet.store).await;
    claim(&dying, id, worker).await;
    drop(dying);
    fleet.pass(Duration::from_millis(1_500)).await;
    let committed = eventually(Duration::from_secs(5), async || {
        let committed = fleet.store.sweep(LEASE, 100).await.unwrap().committed;
        (!committed.is_empty()).then_some(committed)
    })
    .await;
    assert_eq!(committed.iter().map(|committed| committed.job.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_connects_again_at_once_keeps_its_jobs() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let (id, worker) = (queued(&fleet.store).await, WorkerId::new());
    claim(&fleet.store, id, worker).await;
    for _ in 0..15 {
        fleet.store.renew(worker, &[1]).await.unwrap();
        fleet.pass(Duration::from_secs(1)).await;
        assert!(fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty());
    }
    fleet.store.renew(worker, &[1]).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(fleet.client.query(cut, &[]).await.unwrap().len(), 1);
    eventually(Duration::from_secs(5), async || fleet.store.renew(worker, &[1]).await.ok()).await;
    fleet.pass(Duration::from_secs(2)).await;
    assert!(fleet.store.sweep(LEASE, 100).await.unwrap().committed.is_empty());
    let job = fleet.store.get(&tenant("a"), id).await.unwrap().unwrap().job;
    assert_eq!(job.state.name(), JobState::Running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_renewed_though_the_runtime_of_the_store_is_blocked() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let url = fleet.url();
    let (open_store, opened) = mpsc::channel();
    let (end, until_the_end) = mpsc::channel::<()>();
    let blocked = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            open_store.send(open(&url).await).unwrap();
            // What a step must not do.
            until_the_end.recv().unwrap();
        });
    });
    let (store, worker) = (opened.recv().unwrap(), WorkerId::new());
    for _ in 0..2 {
        timeout(Duration::from_secs(10), store.renew(worker, &[1]))
            .await
            .expect("in time")
            .unwrap();
        fleet.pass(Duration::from_secs(1)).await;
    }
    let count = "SELECT count(*) FROM workers WHERE lock_key IS NOT NULL";
    assert_eq!(fleet.client.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 1);
    drop(store);
    end.send(()).unwrap();
    blocked.join().unwrap();
}
