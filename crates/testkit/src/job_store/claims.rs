//! Who gets a job.

use std::sync::Arc;
use std::time::Duration;

use contracts::event::RequeueReason;
use contracts::job::AttemptOutcome;
use contracts::{JobId, JobState, WorkerId};
use engine::job::Change;
use engine::ports::NewJob;
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::{Given, Held, PIPELINE, applied, kinds};
use crate::build::{TIMEOUT, new_job, problem, result, submission};

pub async fn a_claim_raises_the_epoch_and_begins_an_attempt(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    given.pass(Duration::from_secs(1)).await;
    let claimed = given.claim(id).await.expect("the job is due");
    let job = &claimed.committed.job;
    assert_eq!((job.epoch, job.attempt, job.write_no), (1, 1, 0));
    assert_eq!(job.pipeline_version, Some(PIPELINE));
    assert_eq!(kinds(&claimed.committed.events), ["job.started"]);
    assert_eq!(claimed.submission, submission());
    assert!(claimed.done.is_empty());
    assert!(claimed.left < TIMEOUT, "the time in the queue is gone");
    let snapshot = given.snapshot(id).await;
    assert_eq!(&snapshot.job, job);
    let [attempt] = &snapshot.attempts[..] else { panic!("one attempt") };
    assert_eq!((attempt.attempt, attempt.finished_at, attempt.outcome), (1, None, None));
}

pub async fn one_of_many_concurrent_claims_wins(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    let mut claims = JoinSet::new();
    for _ in 0..20 {
        let store = harness.store();
        claims.spawn(async move {
            store.claim(id, WorkerId::new(), &[PIPELINE]).await.expect("claimed or not").is_some()
        });
    }
    let won = claims.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let job = given.snapshot(id).await.job;
    assert_eq!((job.epoch, job.attempt, job.version), (1, 1, 2));
}

pub async fn a_job_that_is_not_due_is_not_claimed(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    assert!(given.claim(JobId::new()).await.is_none(), "unknown");
    let mut held = given.running().await;
    assert!(given.claim(held.job.id).await.is_none(), "held");
    let delay = Duration::from_secs(30);
    held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    assert!(given.claim(held.job.id).await.is_none(), "backing off");
    let ended = given.queued().await;
    given.store.cancel(&given.tenant, ended, None).await.expect("cancelled");
    assert!(given.claim(ended).await.is_none(), "ended");
    let short = NewJob { timeout: Duration::from_secs(5), ..new_job(&given.tenant) };
    let overdue = given.accepted(short).await.job.id;
    given.pass(Duration::from_secs(5)).await;
    assert!(given.claim(overdue).await.is_none(), "overdue");
}

pub async fn a_job_of_another_workflow_is_not_claimed(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(Change::Release).await;
    let id = held.job.id;
    for unknown in [&[][..], &[2], &[3, 2]] {
        let claimed = given.store.claim(id, given.worker, unknown).await;
        assert!(claimed.expect("claimed or not").is_none(), "{unknown:?}");
    }
    let claimed = given.store.claim(id, given.worker, &[2, PIPELINE]).await;
    let claimed = claimed.expect("claimed or not").expect("the workflow is known");
    assert_eq!(claimed.committed.job.pipeline_version, Some(PIPELINE), "the stamp stays");
}

pub async fn a_failed_attempt_waits_for_its_time(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    let delay = Duration::from_secs(30);
    let events = held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    assert_eq!(kinds(&events), ["job.attempt_failed"]);
    let snapshot = given.snapshot(held.job.id).await;
    assert_eq!((snapshot.job.failures, snapshot.job.state.name()), (1, JobState::Retrying));
    let [attempt] = &snapshot.attempts[..] else { panic!("one attempt") };
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Failed));
    assert_eq!(attempt.error, Some(problem()));
    given.pass(delay - Duration::from_secs(1)).await;
    assert!(given.claim(held.job.id).await.is_none(), "too early");
    given.pass(Duration::from_secs(1)).await;
    let again = given.claimed(held.job.id).await;
    assert_eq!((again.job.attempt, again.job.epoch), (2, 2));
}

pub async fn a_job_without_attempts_left_fails(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut new = new_job(&given.tenant);
    new.submission.max_attempts = Some(2);
    let id = given.accepted(new).await.job.id;
    for last in [false, true] {
        let mut held = given.claimed(id).await;
        let delay = Duration::ZERO;
        let events = held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
        let expected: &[&str] =
            if last { &["job.attempt_failed", "job.failed"] } else { &["job.attempt_failed"] };
        assert_eq!(kinds(&events), expected);
    }
    let snapshot = given.snapshot(id).await;
    assert_eq!((snapshot.job.failures, snapshot.job.state.name()), (2, JobState::Failed));
    let error = snapshot.error.expect("a failed job says why");
    assert_eq!(error.code, contracts::Code::AttemptsExhausted);
    let outcomes: Vec<_> = snapshot.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(AttemptOutcome::Failed); 2]);
}

pub async fn a_postponed_job_waits_for_its_time_without_a_failure(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    let delay = Duration::from_secs(30);
    let events = held.apply(Change::Postpone { events: vec![], error: problem(), delay }).await;
    assert_eq!(kinds(&events), ["job.requeued"]);
    let snapshot = given.snapshot(held.job.id).await;
    assert_eq!((snapshot.job.failures, snapshot.job.state.name()), (0, JobState::Retrying));
    let [attempt] = &snapshot.attempts[..] else { panic!("one attempt") };
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Requeued));
    assert_eq!(attempt.requeue_reason, Some(RequeueReason::CircuitOpen));
    assert_eq!(attempt.error, None, "it is the outage's, not the attempt's");
    given.pass(delay - Duration::from_secs(1)).await;
    assert!(given.claim(held.job.id).await.is_none(), "too early");
    given.pass(Duration::from_secs(1)).await;
    let again = given.claimed(held.job.id).await;
    assert_eq!((again.job.attempt, again.job.epoch, again.job.crash_count), (2, 2, 0));
}

pub async fn however_often_it_is_postponed_a_job_keeps_its_attempts(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut new = new_job(&given.tenant);
    new.submission.max_attempts = Some(1);
    let id = given.accepted(new).await.job.id;
    for _ in 0..3 {
        let delay = Duration::from_secs(1);
        let mut held = given.claimed(id).await;
        held.apply(Change::Postpone { events: vec![], error: problem(), delay }).await;
        given.pass(delay).await;
    }
    let mut held = given.claimed(id).await;
    held.apply(Change::Succeed { events: vec![], result: Box::new(result("x")) }).await;
    let job = given.snapshot(id).await.job;
    assert_eq!((job.attempt, job.failures, job.state.name()), (4, 0, JobState::Succeeded));
}

pub async fn a_released_job_is_queued_without_a_failure(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    let events = held.apply(Change::Release).await;
    assert_eq!(kinds(&events), ["job.requeued"]);
    let snapshot = given.snapshot(held.job.id).await;
    let job = &snapshot.job;
    assert_eq!((job.state.name(), job.failures, job.crash_count), (JobState::Queued, 0, 0));
    assert_eq!(snapshot.attempts[0].outcome, Some(AttemptOutcome::Requeued));
    assert!(given.claim(held.job.id).await.is_some(), "another worker can take it at once");
}

pub async fn a_commit_says_how_its_job_stood_before(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let created = given.accepted(new_job(&given.tenant)).await;
    assert_eq!(created.before, None);
    let claimed = given.claim(created.job.id).await.expect("the job is due");
    assert_eq!(claimed.committed.before, Some(created.job.standing()));
    let mut held = Held::of(Arc::clone(&given.store), given.worker, &claimed);
    let delay = Duration::from_secs(60);
    let retry = Change::Retry { events: vec![], error: problem(), delay };
    let retried = applied(held.write(retry).await);
    assert_eq!(retried.before, Some(claimed.committed.job.standing()));
    given.pass(TIMEOUT).await;
    let swept = given.sweep().await.committed;
    assert_eq!(swept[0].before, Some(retried.job.standing()));
}
