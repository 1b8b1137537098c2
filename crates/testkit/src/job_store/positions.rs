//! Where a job stands among those of its tenant that wait for a worker.

use std::sync::Arc;
use std::time::Duration;

use contracts::limits::QUEUE_POSITION_MAX;
use contracts::{JobId, TenantId};
use engine::job::Change;
use engine::ports::{NewJob, Refill, Resend};
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::Given;
use crate::build::{new_job, problem, tenant};

const RESEND: Resend = Resend::always(Duration::from_secs(15));

pub async fn positions_follow_the_order_of_a_refill(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let later = queued(&given, 5, 500).await;
    let sooner = queued(&given, 5, 400).await;
    let urgent = queued(&given, 9, 600).await;
    let idle = queued(&given, 0, 300).await;
    let started = queued(&given, 0, 600).await;
    given.claimed(started).await.apply(Change::Release).await;
    let order = [started, urgent, sooner, later, idle];
    assert_eq!(positions(&given, &order).await, [1, 2, 3, 4, 5].map(Some));
    // It stays as it is while the hints of some are under way, and of all.
    for window in [2, 5] {
        refill(&given, window).await;
        assert_eq!(positions(&given, &order).await, [1, 2, 3, 4, 5].map(Some));
    }
}

pub async fn a_hint_puts_a_job_ahead_of_all_without(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let hinted = queued(&given, 0, 600).await;
    refill(&given, 1).await;
    let (usual, urgent) = (queued(&given, 5, 600).await, queued(&given, 9, 600).await);
    let all = [hinted, urgent, usual];
    assert_eq!(positions(&given, &all).await, [1, 2, 3].map(Some));
    // The later hint is behind the earlier one, however urgent its job is.
    given.pass(Duration::from_secs(1)).await;
    refill(&given, 2).await;
    assert_eq!(positions(&given, &all).await, [1, 2, 3].map(Some));
}

pub async fn a_claim_moves_up_those_behind(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let jobs = [queued(&given, 5, 400).await, queued(&given, 5, 500).await];
    assert_eq!(positions(&given, &jobs).await, [Some(1), Some(2)]);
    given.claim(jobs[0]).await.expect("the job is due");
    assert_eq!(positions(&given, &jobs).await, [None, Some(1)]);
}

pub async fn another_tenants_jobs_move_no_position(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let other = tenant("b");
    let theirs = [submit(&given, &other, 9, 60).await, submit(&given, &other, 9, 61).await];
    refill(&given, 1).await;
    let mine = queued(&given, 0, 600).await;
    assert_eq!(positions(&given, &[mine, theirs[0], theirs[1]]).await, [Some(1), None, None]);
    for (id, position) in theirs.into_iter().zip([1, 2]) {
        let read = given.store.queue_position(&other, id).await.expect("read");
        assert_eq!(read, Some(position));
    }
}

pub async fn only_a_job_that_waits_for_a_worker_has_a_position(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (running, ended) = (given.running().await.job.id, given.queued().await);
    given.store.cancel(&given.tenant, ended, None).await.expect("cancelled");
    let mut cancelling = given.running().await;
    given.store.cancel(&given.tenant, cancelling.job.id, None).await.expect("asked");
    let mut retrying = given.running().await;
    let delay = Duration::from_secs(60);
    retrying.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    let retrying = retrying.job.id;
    let others = [running, ended, cancelling.job.id, JobId::new()];
    assert_eq!(positions(&given, &others).await, [None; 4]);
    assert_eq!(positions(&given, &[retrying]).await, [None], "it waits for its time");
    cancelling.apply(Change::ConfirmCancel).await;
    given.pass(delay).await;
    // A refill without room notices at the least whose time has come.
    refill(&given, 0).await;
    assert_eq!(positions(&given, &[retrying]).await, [Some(1)]);
    assert_eq!(positions(&given, &others).await, [None; 4]);
}

pub async fn a_job_beyond_the_last_position_has_none(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut submissions = JoinSet::new();
    for _ in 1..QUEUE_POSITION_MAX {
        let (store, new) = (Arc::clone(&given.store), new_job(&given.tenant));
        submissions.spawn(async move { store.submit(new).await });
    }
    for submitted in submissions.join_all().await {
        submitted.expect("submitted");
    }
    let jobs = [queued(&given, 0, 700).await, queued(&given, 0, 800).await];
    assert_eq!(positions(&given, &jobs).await, [Some(QUEUE_POSITION_MAX), None]);
    // Those with a hint and those without are counted together.
    refill(&given, 10).await;
    assert_eq!(positions(&given, &jobs).await, [Some(QUEUE_POSITION_MAX), None]);
}

async fn queued(given: &Given<'_>, priority: u32, timeout_s: u64) -> JobId {
    submit(given, &given.tenant, priority, timeout_s).await
}

async fn submit(given: &Given<'_>, owner: &TenantId, priority: u32, timeout_s: u64) -> JobId {
    let timeout = Duration::from_secs(timeout_s);
    let mut new = NewJob { timeout, ..new_job(owner) };
    new.submission.priority = Some(priority);
    given.accepted(new).await.job.id
}

async fn refill(given: &Given<'_>, window: usize) {
    given.store.refill(Refill { window, resend: RESEND }).await.expect("refilled");
}

/// The places of these jobs, as the suite's tenant sees them.
async fn positions<const N: usize>(given: &Given<'_>, ids: &[JobId; N]) -> [Option<u32>; N] {
    let mut positions = [None; N];
    for (position, id) in positions.iter_mut().zip(ids) {
        *position = given.store.queue_position(&given.tenant, *id).await.expect("read");
    }
    positions
}
