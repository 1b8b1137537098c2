//! What the holder of a job may write, and who is no holder any more.

use std::time::Duration;

use contracts::job::{StepState, Usage};
use contracts::{JobState, WorkerId};
use engine::job::Change;
use engine::ports::{Fence, StoreError, Write, Written};
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::{Given, applied, kinds, work};
use crate::build::{problem, result, step_completed, step_record, step_started};

pub async fn a_stale_epoch_cannot_write(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut stale = given.running().await;
    given.silence().await;
    assert_fenced(&stale.write(work([step_started("plan")])).await);
    let held = given.claimed(stale.job.id).await;
    assert_fenced(&stale.write(work([step_started("plan")])).await);
    let end = Change::Succeed { events: vec![], result: Box::new(result("stale")) };
    assert_fenced(&stale.write(end).await);
    assert_eq!(given.snapshot(stale.job.id).await.job, held.job);
}

pub async fn another_worker_cannot_write(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    let mut thief = held.clone();
    thief.fence.worker = WorkerId::new();
    assert_fenced(&thief.write(work([step_started("plan")])).await);
    held.apply(work([step_started("plan")])).await;
    assert_fenced(&thief.write(work([step_started("plan")])).await);
    assert_eq!(given.snapshot(held.job.id).await.job, held.job);
}

pub async fn a_repeated_write_is_known_as_one(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let changes = [
        work([step_started("plan")]),
        Change::Release,
        Change::Postpone { events: vec![], error: problem(), delay: Duration::from_secs(9) },
        Change::Fail { events: vec![], error: problem() },
        Change::Succeed { events: vec![], result: Box::new(result("done")) },
    ];
    for change in changes {
        let mut held = given.running().await;
        let mut repeated = held.clone();
        held.apply(change.clone()).await;
        let again = repeated.write(change.clone()).await;
        assert!(matches!(again, Written::Again), "{change:?}: {again:?}");
        assert_eq!(given.snapshot(held.job.id).await.job, held.job);
    }
}

pub async fn a_write_ahead_of_its_turn_is_fenced(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.fence.write_no = 2;
    assert_fenced(&held.write(work([step_started("plan")])).await);
    assert_eq!(given.snapshot(held.job.id).await.job, held.job);
}

pub async fn a_worker_that_let_go_cannot_write(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(Change::Release).await;
    assert_fenced(&held.write(work([step_started("plan")])).await);
    let mut held = given.running().await;
    held.apply(Change::Fail { events: vec![], error: problem() }).await;
    assert_fenced(&held.write(work([step_started("plan")])).await);
}

pub async fn only_the_holders_changes_are_written(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    let foreign = [
        Change::Start { worker: given.worker, pipeline_version: 1 },
        Change::LoseLease,
        Change::RequestCancel { reason: None },
        // Nobody asked to cancel it.
        Change::ConfirmCancel,
    ];
    for change in foreign {
        let refused = given.store.write(write(held.fence, change)).await;
        assert!(matches!(refused, Err(StoreError::Rejected(_))), "{refused:?}");
    }
    assert_eq!(given.snapshot(held.job.id).await.job, held.job);
}

pub async fn a_cancelled_worker_can_only_confirm(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for end in [Change::ConfirmCancel, Change::Release] {
        let mut held = given.running().await;
        given.store.cancel(&given.tenant, held.job.id, None).await.expect("asked");
        let succeed = Change::Succeed { events: vec![], result: Box::new(result("late")) };
        for change in [work([step_started("plan")]), succeed, Change::PassDeadline] {
            let told = held.write(change).await;
            assert!(matches!(told, Written::Cancelling), "{told:?}");
        }
        assert_eq!(kinds(&held.apply(end).await), ["job.cancelled"]);
        let snapshot = given.snapshot(held.job.id).await;
        assert_eq!(snapshot.job.state.name(), JobState::Cancelled);
        assert!(snapshot.result.is_none() && snapshot.error.is_some());
    }
}

pub async fn a_checkpoint_outlives_the_lease(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(work([step_started("plan")])).await;
    let events = [step_completed("plan"), step_started("retrieve")];
    applied(held.checkpoint(work(events), vec![step_record("plan")]).await);
    given.silence().await;
    let id = held.job.id;
    let done = given.store.checkpoints(&given.tenant, id).await.expect("read");
    assert_eq!(done, Some(vec![step_record("plan")]));
    let claimed = given.claim(id).await.expect("the job is due");
    assert_eq!(claimed.done, [step_record("plan")]);
    let steps = given.snapshot(id).await.steps;
    let steps: Vec<_> = steps.iter().map(|step| (step.step.as_str(), step.state)).collect();
    assert_eq!(steps, [("plan", StepState::Completed), ("retrieve", StepState::Running)]);
}

pub async fn a_checkpoint_and_its_events_commit_together(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    // The checkpoint cannot be kept, so nothing of the write may be.
    let poisoned = Write {
        checkpoints: vec![step_record("retrieve")],
        ..write(held.fence, work([step_completed("plan")]))
    };
    let refused = given.store.write(poisoned).await;
    assert!(matches!(refused, Err(StoreError::Rejected(_))), "{refused:?}");
    let snapshot = given.snapshot(held.job.id).await;
    assert_eq!(snapshot.job, held.job);
    assert!(snapshot.steps.is_empty());
    // Its number is still free.
    applied(held.checkpoint(work([step_completed("plan")]), vec![step_record("plan")]).await);
}

pub async fn a_poisoned_write_fails_alone(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut writes = JoinSet::new();
    for number in 0..30 {
        let held = given.running().await;
        let mut write = write(held.fence, work([step_completed("plan")]));
        write.checkpoints = vec![step_record(if number % 10 == 3 { "?" } else { "plan" })];
        let store = harness.store();
        writes.spawn(async move { (number, held.job, store.write(write).await) });
    }
    for (number, before, outcome) in writes.join_all().await {
        let version = given.snapshot(before.id).await.job.version;
        if number % 10 == 3 {
            assert!(matches!(outcome, Err(StoreError::Rejected(_))), "{outcome:?}");
            assert_eq!(version, before.version);
        } else {
            assert!(matches!(outcome, Ok(Written::Applied(_))), "{outcome:?}");
            assert_eq!(version, before.version + 1);
        }
    }
}

pub async fn what_is_spent_adds_up(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    let usage = Usage {
        model_calls: 1,
        tool_calls: 2,
        input_tokens: 300,
        output_tokens: 40,
        cost_usd: 0.125,
    };
    let first = Write { usage, ..write(held.fence, work([])) };
    applied(given.store.write(first.clone()).await.expect("written"));
    let again = given.store.write(first.clone()).await.expect("known");
    assert!(matches!(again, Written::Again));
    let fence = Fence { write_no: 2, ..held.fence };
    let second = Write { usage, ..write(fence, Change::Release) };
    applied(given.store.write(second).await.expect("written"));
    assert_eq!(given.snapshot(held.job.id).await.usage, usage.plus(usage));
    let claimed = given.claim(held.job.id).await.expect("the job is due");
    assert_eq!(claimed.usage, usage.plus(usage));

    let job = &claimed.committed.job;
    let worker = job.state.worker().expect("a worker holds it");
    let fence = Fence { job_id: job.id, worker, epoch: job.epoch, write_no: 1 };
    let third = Write { usage, ..write(fence, work([])) };
    applied(given.store.write(third).await.expect("written"));
    let snapshot = given.snapshot(held.job.id).await;
    let of_attempts: Vec<_> = snapshot.attempts.iter().map(|attempt| attempt.usage).collect();
    assert_eq!(of_attempts, [Some(usage.plus(usage)), Some(usage)], "each attempt has its part");
}

pub async fn a_result_is_kept_whole_whatever_its_size(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for (summary, omitted) in [("short".to_owned(), false), ("long ".repeat(20_000), true)] {
        let mut held = given.running().await;
        let result = result(&summary);
        let events =
            held.apply(Change::Succeed { events: vec![], result: Box::new(result.clone()) }).await;
        assert_eq!(events[0].data.get("result_omitted").is_some(), omitted);
        let snapshot = given.snapshot(held.job.id).await;
        assert_eq!(snapshot.result, Some(result));
        assert_eq!(snapshot.error, None);
        assert_eq!(snapshot.job.state.name(), JobState::Succeeded);
    }
}

fn write(fence: Fence, change: Change) -> Write {
    Write { fence, change, checkpoints: Vec::new(), usage: Usage::default() }
}

fn assert_fenced(written: &Written) {
    assert!(matches!(written, Written::Fenced), "{written:?}");
}
