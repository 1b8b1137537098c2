//! Workers that are gone.

use std::time::Duration;

use contracts::job::AttemptOutcome;
use contracts::{Code, JobState};
use engine::job::Change;

use super::JobStoreHarness;
use super::given::{Given, LEASE, PIPELINE, applied, kinds, work};
use crate::build::{step_completed, step_record};

pub async fn a_lost_lease_gives_the_job_back_and_counts_a_crash(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    let committed = given.silence().await;
    let [committed] = &committed[..] else { panic!("one job was given back: {committed:?}") };
    assert_eq!(committed.job.id, held.job.id);
    assert_eq!(kinds(&committed.events), ["job.requeued"]);
    let snapshot = given.snapshot(held.job.id).await;
    let job = &snapshot.job;
    assert_eq!((job.state.name(), job.crash_count, job.failures), (JobState::Queued, 1, 0));
    assert_eq!(job.epoch, held.job.epoch + 1);
    assert_eq!(snapshot.attempts[0].outcome, Some(AttemptOutcome::Requeued));
    assert_eq!(given.claimed(held.job.id).await.job.attempt, 2);
}

pub async fn the_third_crash_ends_the_job(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    for crashes in 1..=3 {
        given.claimed(id).await;
        given.silence().await;
        let job = given.snapshot(id).await.job;
        assert_eq!(job.is_ended(), crashes == 3, "after {crashes} crashes");
    }
    let snapshot = given.snapshot(id).await;
    assert_eq!(snapshot.job.state.name(), JobState::Failed);
    assert_eq!(snapshot.error.expect("it says why").code, Code::WorkerLost);
    assert!(snapshot.attempts.iter().all(|attempt| attempt.finished_at.is_some()));
}

pub async fn a_checkpoint_starts_the_count_of_crashes_over(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    for step in ["plan", "retrieve", "tools", "synthesize"] {
        let mut held = given.claimed(id).await;
        applied(held.checkpoint(work([step_completed(step)]), vec![step_record(step)]).await);
        given.silence().await;
        assert_eq!(given.snapshot(id).await.job.crash_count, 1);
    }
}

pub async fn a_renewed_lease_is_not_lost(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    for _ in 0..=2 * LEASE.as_secs() {
        given.store.renew(given.worker, &[PIPELINE]).await.expect("renewed");
        given.pass(Duration::from_secs(1)).await;
        assert!(given.sweep().await.committed.is_empty());
    }
    assert_eq!(given.snapshot(held.job.id).await.job, held.job);
}

pub async fn silence_while_nobody_swept_proves_nothing(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    given.sweep().await;
    // The machine was suspended: sweeps and heartbeats alike.
    given.pass(3 * LEASE).await;
    assert!(given.sweep().await.committed.is_empty());
    assert_eq!(given.snapshot(held.job.id).await.job, held.job);
    given.silence().await;
    assert_eq!(given.snapshot(held.job.id).await.job.state.name(), JobState::Queued);
}

pub async fn a_retired_workers_jobs_are_given_back_at_once(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    given.sweep().await;
    given.store.retire(given.worker).await.expect("retired");
    assert_eq!(given.sweep().await.committed.len(), 1);
    assert_eq!(given.snapshot(held.job.id).await.job.state.name(), JobState::Queued);
}

pub async fn a_heartbeat_learns_of_cancels(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (cancelled, other) = (given.running().await, given.running().await);
    let quiet = given.store.renew(given.worker, &[PIPELINE]).await.expect("renewed");
    assert_eq!(quiet.cancelling, []);
    given.store.cancel(&given.tenant, cancelled.job.id, None).await.expect("asked");
    let told = given.store.renew(given.worker, &[PIPELINE]).await.expect("renewed");
    assert_eq!(told.cancelling, [cancelled.job.id]);
    let stranger =
        given.store.renew(contracts::WorkerId::new(), &[PIPELINE]).await.expect("renewed");
    assert_eq!(stranger.cancelling, []);
    assert_eq!(given.snapshot(other.job.id).await.job, other.job);
}

pub async fn a_cancelled_job_of_a_dead_worker_is_cancelled(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    given.store.cancel(&given.tenant, held.job.id, None).await.expect("asked");
    given.store.retire(given.worker).await.expect("retired");
    given.sweep().await;
    assert_eq!(given.snapshot(held.job.id).await.job.state.name(), JobState::Cancelled);
}

pub async fn a_released_job_counts_no_crash_when_its_worker_dies(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(Change::Release).await;
    assert!(given.silence().await.is_empty());
    assert_eq!(given.snapshot(held.job.id).await.job.crash_count, 0);
}
