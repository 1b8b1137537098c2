//! The server goes away and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use adapter_postgres::Store;
use contracts::{JobId, JobState, WorkerId};
use engine::job::Change;
use engine::ports::{Fence, JobStore as _, Submitted, Written};
use testkit::build::{new_job, step_completed, step_started, tenant};
use testkit::eventually;
use testkit::servers::Postgres;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::fleet::{claim, open, prepare, queued, write};

const LEASE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing_acknowledged_and_no_living_workers_job() {
    let Some(server) = Postgres::own() else { return };
    let server = Arc::new(server);
    let database = server.database(|url| async move { prepare(&url).await }).await;
    let (gateway, worker) = (open(&database.url()).await, open(&database.url()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let incarnation = WorkerId::new();
    let mut fences = Vec::new();
    for _ in 0..4 {
        fences.push(claim(&worker, queued(&gateway).await, incarnation).await);
    }
    let beats = tokio::spawn(beat(Arc::clone(&worker), incarnation, Arc::clone(&stop)));
    let sweeps = tokio::spawn(sweep(Arc::clone(&gateway), Arc::clone(&stop)));
    let mut submitting = JoinSet::new();
    for _ in 0..4 {
        submitting.spawn(submit(Arc::clone(&gateway), Arc::clone(&stop)));
    }
    let mut writing = JoinSet::new();
    for fence in &fences {
        writing.spawn(work(Arc::clone(&worker), *fence, Arc::clone(&stop)));
    }
    for how in [Postgres::stop as fn(&Postgres), Postgres::kill] {
        let begun = tip(&gateway).await;
        // In the middle of writes, not before them.
        eventually(Duration::from_secs(20), async || {
            (tip(&gateway).await > begun + 20).then_some(())
        })
        .await;
        let server = Arc::clone(&server);
        let restarted = tokio::task::block_in_place(|| {
            how(&server);
            server.start();
            Instant::now()
        });
        let begun = eventually(Duration::from_secs(20), async || tip_of(&gateway).await).await;
        eventually(Duration::from_secs(20), async || {
            (tip(&gateway).await > begun + 20).then_some(())
        })
        .await;
        // Long enough for a lease that was counted from before to end.
        eventually(Duration::from_secs(20), async || {
            (restarted.elapsed() > Duration::from_secs(4)).then_some(())
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    let written = timeout(Duration::from_secs(20), writing.join_all()).await.expect("they end");
    let accepted = timeout(Duration::from_secs(20), submitting.join_all()).await.expect("they end");
    sweeps.await.unwrap();
    beats.await.unwrap();
    for id in accepted.into_iter().flatten() {
        assert!(gateway.get(&tenant("a"), id).await.unwrap().is_some(), "{id} was accepted");
    }
    for (fence, writes) in fences.iter().zip(written_by_job(&fences, written)) {
        let job = gateway.get(&tenant("a"), fence.job_id).await.unwrap().unwrap().job;
        assert_eq!((job.state.name(), job.epoch), (JobState::Running, fence.epoch));
        assert!(job.write_no >= writes, "{} of {writes} writes are there", job.write_no);
        assert_eq!(job.crash_count, 0);
    }
}

/// The writes that were acknowledged, in the order of the fences.
fn written_by_job(fences: &[Fence], written: Vec<(JobId, u64)>) -> Vec<u64> {
    let of = |fence: &Fence| written.iter().find(|(id, _)| *id == fence.job_id).map(|(_, n)| *n);
    fences.iter().map(|fence| of(fence).expect("it was written")).collect()
}

/// How much there is in the database.
async fn tip(store: &Store) -> usize {
    tip_of(store).await.unwrap_or(0)
}

async fn tip_of(store: &Store) -> Option<usize> {
    let all = engine::ports::JobFilter::default();
    let jobs = store.list(&tenant("a"), &all, None, 100_000).await.ok()?;
    Some(jobs.len())
}

async fn submit(store: Arc<Store>, stop: Arc<AtomicBool>) -> Vec<JobId> {
    let mut accepted = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let new = new_job(&tenant("a"));
        let id = new.identity.id;
        match store.submit(new).await {
            Ok(Submitted::Created { .. }) => accepted.push(id),
            Ok(other) => panic!("{other:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    accepted
}

/// Writes as a worker does: each write again until its outcome is known.
async fn work(store: Arc<Store>, first: Fence, stop: Arc<AtomicBool>) -> (JobId, u64) {
    let mut fence = first;
    while !stop.load(Ordering::SeqCst) {
        let events = vec![step_started("plan"), step_completed("plan")];
        match store.write(write(fence, Change::Work { events })).await {
            Ok(Written::Applied(_) | Written::Again) => fence.write_no += 1,
            Ok(other @ (Written::Fenced | Written::Cancelling)) => panic!("{other:?}"),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (fence.job_id, fence.write_no - 1)
}

async fn beat(store: Arc<Store>, worker: WorkerId, stop: Arc<AtomicBool>) {
    let mut beats = interval(Duration::from_secs(1));
    while !stop.load(Ordering::SeqCst) {
        beats.tick().await;
        // Refused while the server is away.
        let _ = store.renew(worker, &[1]).await;
    }
}

async fn sweep(store: Arc<Store>, stop: Arc<AtomicBool>) {
    let mut turns = interval(Duration::from_millis(100));
    while !stop.load(Ordering::SeqCst) {
        turns.tick().await;
        if let Ok(swept) = store.sweep(LEASE, 1_000).await {
            assert!(swept.committed.is_empty(), "{:?}", swept.committed);
        }
    }
}
