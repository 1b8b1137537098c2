//! Every state against every change: the store does as the pure machine does.

use std::time::Duration;

use contracts::JobState;
use contracts::job::Usage;
use engine::job::{Change, Job, Refusal};
use engine::ports::{Fence, StoreError, Write, Written};

use super::JobStoreHarness;
use super::given::{Given, PIPELINE, work};
use crate::build::{TIMEOUT, problem, result, step_started};

pub async fn every_state_takes_the_changes_that_the_machine_takes(harness: &dyn JobStoreHarness) {
    for state in JobState::ALL {
        for change in changes() {
            let given = Given::new(harness);
            let (job, fence) = bring_to(&given, state).await;
            assert_eq!(job.state.name(), state);
            check_write(&given, &job, fence, change.clone()).await;
        }
        let given = Given::new(harness);
        let (job, _) = bring_to(&given, state).await;
        check_claim(&given, &job).await;
        let (job, _) = bring_to(&given, state).await;
        check_cancel(&given, &job).await;
    }
}

/// The changes that a worker writes.
fn changes() -> [Change; 8] {
    [
        work([step_started("plan")]),
        Change::Retry { events: vec![], error: problem(), delay: Duration::from_secs(1) },
        Change::Postpone { events: vec![], error: problem(), delay: Duration::from_secs(1) },
        Change::Fail { events: vec![], error: problem() },
        Change::Succeed { events: vec![], result: Box::new(result("x")) },
        Change::Release,
        Change::ConfirmCancel,
        Change::PassDeadline,
    ]
}

async fn check_write(given: &Given<'_>, before: &Job, fence: Fence, change: Change) {
    let case = format!("{change:?} while {}", before.state.name());
    let is_held = before.state.worker().is_some();
    let write =
        Write { fence, change: change.clone(), checkpoints: vec![], usage: Usage::default() };
    let written = given.store.write(write).await;
    let after = given.snapshot(before.id).await.job;
    let mut expected = before.clone();
    let decided = expected.change(change, after.last_event_at);
    expected.write_no = fence.write_no;
    match (written, decided) {
        (Ok(Written::Applied(committed)), Ok(recorded)) if is_held => {
            assert_eq!(committed.job, after, "{case}");
            assert_eq!(after, expected, "{case}");
            assert_eq!(committed.events.len(), recorded.len(), "{case}");
        }
        (Ok(Written::Cancelling), Err(Refusal::Cancelling))
        | (Err(StoreError::Rejected(_)), Err(Refusal::NoCancelRequested)) => {
            assert_eq!(&after, before, "{case}");
        }
        // The machine only looks at the clock; a worker that is told to stop has no say in it.
        (Ok(Written::Cancelling), Ok(_)) if before.state.name() == JobState::Cancelling => {
            assert_eq!(&after, before, "{case}");
        }
        // Whatever it wants, it is not the holder.
        (Ok(Written::Fenced), _) if !is_held => assert_eq!(&after, before, "{case}"),
        (written, decided) => panic!("{case}: the store {written:?}, the machine {decided:?}"),
    }
}

async fn check_claim(given: &Given<'_>, before: &Job) {
    let case = format!("a claim while {}", before.state.name());
    let claimed = given.claim(before.id).await;
    let after = given.snapshot(before.id).await.job;
    let mut expected = before.clone();
    let start = Change::Start { worker: given.worker, pipeline_version: PIPELINE };
    let decided = expected.change(start, after.last_event_at);
    assert_eq!(claimed.is_some(), decided.is_ok(), "{case}");
    assert_eq!(after, expected, "{case}");
}

async fn check_cancel(given: &Given<'_>, before: &Job) {
    let case = format!("a cancel while {}", before.state.name());
    let asked = given.store.cancel(&given.tenant, before.id, None).await.expect("asked");
    let asked = asked.expect("the job is there");
    let after = given.snapshot(before.id).await.job;
    let mut expected = before.clone();
    let decided = expected.change(Change::RequestCancel { reason: None }, after.last_event_at);
    assert_eq!(asked.refused, decided.err(), "{case}");
    assert_eq!(asked.committed.job, after, "{case}");
    assert_eq!(after, expected, "{case}");
}

/// A job in this state, and the fence of the next write of the last worker that held it (or of one
/// that thinks so).
async fn bring_to(given: &Given<'_>, state: JobState) -> (Job, Fence) {
    if matches!(state, JobState::Queued | JobState::Expired) {
        let id = given.queued().await;
        if state == JobState::Expired {
            given.pass(TIMEOUT).await;
        }
        let fence = Fence { job_id: id, worker: given.worker, epoch: 0, write_no: 1 };
        return (given.snapshot(id).await.job, fence);
    }
    let mut held = given.running().await;
    match state {
        JobState::Queued | JobState::Expired | JobState::Running => {}
        JobState::Retrying => {
            let delay = Duration::from_secs(60);
            held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
        }
        JobState::Cancelling | JobState::Cancelled => {
            given.store.cancel(&given.tenant, held.job.id, None).await.expect("asked");
            if state == JobState::Cancelled {
                held.apply(Change::ConfirmCancel).await;
            }
        }
        JobState::Succeeded => {
            let result = Box::new(result("x"));
            held.apply(Change::Succeed { events: vec![], result }).await;
        }
        JobState::Failed => {
            held.apply(Change::Fail { events: vec![], error: problem() }).await;
        }
        JobState::TimedOut => given.pass(TIMEOUT).await,
    }
    (given.snapshot(held.job.id).await.job, held.fence)
}
