//! Cancels, deadlines, retention, and where the time went.

use std::time::Duration;

use contracts::{Code, JobId, JobState, limits};
use engine::job::{CANCEL_GRACE_MS, Change, Refusal};
use engine::ports::{LogLimit, NewJob, Submitted};

use super::JobStoreHarness;
use super::given::{Given, LEASE, PIPELINE, kinds};
use crate::build::{TIMEOUT, key, new_job, problem, result};

pub async fn a_waiting_job_is_cancelled_at_once(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    let cancelled = given.store.cancel(&given.tenant, id, Some("no need".to_owned())).await;
    let cancelled = cancelled.expect("asked").expect("the job is there");
    assert_eq!(kinds(&cancelled.committed.events), ["job.cancelled"]);
    assert_eq!(cancelled.refused, None);
    let snapshot = given.snapshot(id).await;
    assert_eq!(snapshot.job, cancelled.committed.job);
    assert_eq!(snapshot.error.expect("it says why").code, Code::CancelledByClient);
}

pub async fn a_second_cancel_changes_nothing(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for id in [given.queued().await, given.running().await.job.id] {
        let cancel = async || {
            let asked = given.store.cancel(&given.tenant, id, None).await.expect("asked");
            asked.expect("the job is there")
        };
        let first = cancel().await;
        let second = cancel().await;
        assert_eq!(second.refused, None);
        assert!(second.committed.events.is_empty());
        assert_eq!(second.committed.job, first.committed.job);
    }
}

pub async fn an_ended_job_is_not_cancelled(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(Change::Succeed { events: vec![], result: Box::new(result("x")) }).await;
    let asked = given.store.cancel(&given.tenant, held.job.id, None).await.expect("asked");
    let asked = asked.expect("the job is there");
    assert_eq!(asked.refused, Some(Refusal::Ended));
    assert!(asked.committed.events.is_empty());
    assert_eq!(asked.committed.job, held.job);
    let unknown = given.store.cancel(&given.tenant, JobId::new(), None).await.expect("asked");
    assert!(unknown.is_none());
}

pub async fn a_sweep_settles_a_cancel_that_nobody_confirms(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let held = given.running().await;
    given.store.cancel(&given.tenant, held.job.id, None).await.expect("asked");
    given.pass(Duration::from_millis(CANCEL_GRACE_MS - 1_000)).await;
    given.store.renew(given.worker, &[PIPELINE]).await.expect("renewed");
    assert!(given.sweep().await.committed.is_empty(), "its worker still has time");
    given.pass(Duration::from_secs(1)).await;
    let committed = given.sweep().await.committed;
    assert_eq!(kinds(&committed[0].events), ["job.cancelled"]);
    assert_eq!(given.snapshot(held.job.id).await.job.state.name(), JobState::Cancelled);
}

pub async fn a_sweep_ends_what_is_overdue(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let queue_timeout = Some(Duration::from_secs(5));
    let impatient = NewJob { queue_timeout, ..new_job(&given.tenant) };
    let expected = [
        (given.queued().await, JobState::Expired, Code::DeadlineExceeded),
        (given.accepted(impatient.clone()).await.job.id, JobState::Expired, Code::QueueTimeout),
        (given.running().await.job.id, JobState::TimedOut, Code::DeadlineExceeded),
        (backing_off(&given).await, JobState::TimedOut, Code::DeadlineExceeded),
        (cancelling(&given).await, JobState::Cancelled, Code::CancelledByClient),
    ];
    let started_in_time = NewJob { identity: new_job(&given.tenant).identity, ..impatient };
    let started_in_time = given.accepted(started_in_time).await.job.id;
    given.claimed(started_in_time).await;
    given.pass(Duration::from_secs(5)).await;
    let swept = given.sweep().await;
    let ended: Vec<JobId> = swept.committed.iter().map(|committed| committed.job.id).collect();
    assert!(ended.contains(&expected[1].0) && !ended.contains(&started_in_time));
    given.pass(TIMEOUT).await;
    given.sweep().await;
    for (id, state, code) in expected {
        let snapshot = given.snapshot(id).await;
        assert_eq!(snapshot.job.state.name(), state);
        assert_eq!(snapshot.error.expect("it says why").code, code);
        assert!(snapshot.attempts.iter().all(|attempt| attempt.finished_at.is_some()));
    }
}

pub async fn a_postponed_job_ends_at_its_deadline(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    // What it waits for is probed later than it may last.
    let delay = TIMEOUT * 2;
    held.apply(Change::Postpone { events: vec![], error: problem(), delay }).await;
    let id = held.job.id;
    assert_eq!(given.snapshot(id).await.job.state.name(), JobState::Retrying);
    given.pass(TIMEOUT).await;
    let committed = given.sweep().await.committed;
    assert_eq!(kinds(&committed[0].events), ["job.timed_out"]);
    let snapshot = given.snapshot(id).await;
    assert_eq!((snapshot.job.failures, snapshot.job.state.name()), (0, JobState::TimedOut));
    assert_eq!(snapshot.error.expect("it says why").code, Code::DeadlineExceeded);
}

pub async fn a_read_of_an_overdue_job_ends_it(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (queued, running) = (given.queued().await, given.running().await.job.id);
    given.pass(TIMEOUT).await;
    for (id, state) in [(queued, JobState::Expired), (running, JobState::TimedOut)] {
        assert_eq!(given.snapshot(id).await.job.state.name(), state);
        assert_eq!(given.snapshot(id).await.job.version, given.log(id).await.len() as u64);
    }
    // Whoever follows the jobs learns of it with the next sweep, and once.
    let mut told: Vec<JobId> =
        given.sweep().await.committed.iter().map(|committed| committed.job.id).collect();
    told.sort();
    let mut ended = [queued, running];
    ended.sort();
    assert_eq!(told, ended);
    assert!(given.sweep().await.committed.is_empty());
}

pub async fn a_log_says_whether_its_job_is_overdue(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (id, mut done) = (given.queued().await, given.running().await);
    let ended = done.job.id;
    done.apply(Change::Fail { events: vec![], error: problem() }).await;
    let overdue = async |id| {
        let slice = given.store.log(&given.tenant, id, 0, LogLimit::events(1)).await.expect("read");
        slice.expect("the job is there").overdue
    };
    assert!(!overdue(id).await && !overdue(ended).await);
    given.pass(TIMEOUT).await;
    assert!(overdue(id).await && !overdue(ended).await);
    given.snapshot(id).await;
    assert!(!overdue(id).await, "it has ended");
}

pub async fn a_cancel_of_an_overdue_job_comes_too_late(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    given.pass(TIMEOUT).await;
    let asked = given.store.cancel(&given.tenant, id, None).await.expect("asked");
    let asked = asked.expect("the job is there");
    assert_eq!(asked.refused, Some(Refusal::Ended));
    assert!(asked.committed.events.is_empty(), "they go with the next sweep");
    assert_eq!(asked.committed.job.state.name(), JobState::Expired);
    assert_eq!(given.sweep().await.committed.len(), 1);
}

pub async fn a_sweep_is_bounded_and_says_whether_more_remains(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for _ in 0..7 {
        given.queued().await;
    }
    given.pass(TIMEOUT).await;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let swept = given.store.sweep(LEASE, 3).await.expect("swept");
        assert!(swept.committed.len() <= 3);
        ended.push((swept.committed.len(), swept.more));
    }
    assert_eq!(ended, [(3, true), (3, true), (1, false)]);
}

pub async fn a_job_past_its_retention_is_gone_and_later_forgotten(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let keyed = || NewJob { idempotency: Some(key("k", 1)), ..new_job(&given.tenant) };
    let first = keyed();
    let id = given.accepted(first.clone()).await.job.id;
    given.store.cancel(&given.tenant, id, None).await.expect("cancelled");
    let retention = Duration::from_secs(u64::from(limits::RETENTION_DAYS) * 24 * 60 * 60);
    given.pass(retention - Duration::from_secs(1)).await;
    given.sweep().await;
    assert_eq!(given.snapshot(id).await.job.state.name(), JobState::Cancelled);
    given.pass(Duration::from_secs(1)).await;
    given.sweep().await;
    assert!(given.store.get(&given.tenant, id).await.expect("read").is_none());
    assert!(
        given.store.log(&given.tenant, id, 0, LogLimit::events(10)).await.expect("read").is_none()
    );
    assert!(given.store.is_gone(&given.tenant, id).await.expect("read"));
    for repeated in [first, keyed()] {
        let answer = given.store.submit(repeated).await.expect("submitted");
        assert!(matches!(answer, Submitted::KeyGone), "{answer:?}");
    }
    given.pass(retention).await;
    given.sweep().await;
    given.accepted(keyed()).await;
}

pub async fn the_parts_of_the_timeline_add_up(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let ms = Duration::from_millis;
    let id = given.queued().await;
    given.pass(ms(1_100)).await;
    let mut held = given.claimed(id).await;
    given.pass(ms(2_010)).await;
    held.apply(Change::Retry { events: vec![], error: problem(), delay: ms(500) }).await;
    given.pass(ms(4_001)).await;
    let mut held = given.claimed(id).await;
    given.pass(ms(1_000)).await;
    let open = given.snapshot(id).await;
    let timeline = open.job.timeline(open.read_at);
    let passed = open.read_at.millis_since(open.job.created_at);
    assert_eq!(timeline.queued_ms + timeline.running_ms + timeline.backoff_ms, passed);
    held.apply(Change::Succeed { events: vec![], result: Box::new(result("x")) }).await;
    given.pass(ms(9_000)).await;
    let ended = given.snapshot(id).await;
    let timeline = ended.job.timeline(ended.read_at);
    let finished_at = ended.job.finished_at().expect("it ended");
    let total = finished_at.millis_since(ended.job.created_at);
    assert_eq!(timeline.queued_ms + timeline.running_ms + timeline.backoff_ms, total);
    assert!(timeline.queued_ms >= 1_100 && timeline.running_ms >= 3_010);
    assert!(timeline.backoff_ms >= 4_001);
}

async fn backing_off(given: &Given<'_>) -> JobId {
    let mut held = given.running().await;
    let delay = Duration::from_secs(300);
    held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    held.job.id
}

async fn cancelling(given: &Given<'_>) -> JobId {
    let id = given.running().await.job.id;
    given.store.cancel(&given.tenant, id, None).await.expect("asked");
    id
}
