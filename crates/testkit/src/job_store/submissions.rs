//! Accepting jobs.

use std::collections::{BTreeMap, BTreeSet};

use contracts::event::OutputDelta;
use contracts::job::StepState;
use contracts::{EventBody, JobId, JobState};
use engine::ports::{NewJob, StoreError, Submitted};
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::{Given, kinds, work};
use crate::build::{key, new_job, step_completed, step_record, submission, tenant};

pub async fn an_accepted_job_is_there_with_its_first_event(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let committed = given.accepted(new_job(&given.tenant)).await;
    assert_eq!(kinds(&committed.events), ["job.created"]);
    let snapshot = given.snapshot(committed.job.id).await;
    assert_eq!(snapshot.job, committed.job);
    assert_eq!((snapshot.job.version, snapshot.job.state.name()), (1, JobState::Queued));
    assert_eq!(snapshot.submission, submission());
    assert_eq!(given.log(committed.job.id).await, committed.events);
}

pub async fn the_same_id_submitted_again_is_the_same_job(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = new_job(&given.tenant);
    let id = given.accepted(new.clone()).await.job.id;
    let again = given.store.submit(new).await.expect("submitted");
    assert!(matches!(again, Submitted::Replayed(same) if same == id), "{again:?}");
    assert_eq!(given.snapshot(id).await.job.version, 1);
}

pub async fn the_same_key_and_request_is_a_replay(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.accepted(keyed(&given, 1)).await.job.id;
    let again = given.store.submit(keyed(&given, 1)).await.expect("submitted");
    assert!(matches!(again, Submitted::Replayed(same) if same == id), "{again:?}");
}

pub async fn a_key_with_another_request_is_refused(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    given.accepted(keyed(&given, 1)).await;
    let other = keyed(&given, 2);
    let id = other.identity.id;
    let again = given.store.submit(other).await.expect("submitted");
    assert!(matches!(again, Submitted::KeyReused), "{again:?}");
    assert!(given.store.get(&given.tenant, id).await.expect("read").is_none());
}

pub async fn a_key_is_its_tenants_own(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    given.accepted(keyed(&given, 1)).await;
    let theirs = NewJob { idempotency: Some(key("k", 2)), ..new_job(&tenant("b")) };
    given.accepted(theirs).await;
}

pub async fn concurrent_submissions_with_one_key_create_one_job(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut submissions = JoinSet::new();
    for _ in 0..20 {
        let (store, new) = (harness.store(), keyed(&given, 1));
        submissions.spawn(async move { store.submit(new).await.expect("submitted") });
    }
    let submitted = submissions.join_all().await;
    let ids: BTreeSet<JobId> = submitted
        .iter()
        .map(|submitted| match submitted {
            Submitted::Created { committed, .. } => committed.job.id,
            Submitted::Replayed(id) => *id,
            Submitted::KeyReused | Submitted::KeyGone => panic!("{submitted:?}"),
        })
        .collect();
    assert_eq!(ids.len(), 1);
    let created = |submitted: &&Submitted| matches!(submitted, Submitted::Created { .. });
    assert_eq!(submitted.iter().filter(created).count(), 1);
}

pub async fn steps_taken_over_are_done_before_the_first_attempt(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = NewJob {
        retry_of: Some(JobId::new()),
        carried: vec![step_record("plan"), step_record("retrieve")],
        carried_events: vec![step_completed("plan"), step_completed("retrieve")],
        ..new_job(&given.tenant)
    };
    let (id, retry_of) = (new.identity.id, new.retry_of);
    let committed = given.accepted(new).await;
    assert_eq!(kinds(&committed.events), ["job.created", "step.completed", "step.completed"]);
    let snapshot = given.snapshot(id).await;
    assert_eq!((snapshot.job.version, snapshot.retry_of), (3, retry_of));
    let steps: Vec<_> =
        snapshot.steps.iter().map(|s| (s.step.as_str(), s.state, s.attempt)).collect();
    let done = StepState::Completed;
    assert_eq!(steps, [("plan", done, 0), ("retrieve", done, 0)]);
    let claimed = given.claim(id).await.expect("the job is due");
    assert_eq!(claimed.done, [step_record("plan"), step_record("retrieve")]);
}

pub async fn a_poisoned_submission_fails_alone(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut submissions = JoinSet::new();
    for number in 0..40 {
        let mut new = new_job(&given.tenant);
        if number % 10 == 3 {
            // A finished step that no event tells of.
            new.carried = vec![step_record("plan")];
        }
        let store = harness.store();
        submissions.spawn(async move { (number, new.identity.id, store.submit(new).await) });
    }
    for (number, id, outcome) in submissions.join_all().await {
        let stored = given.store.get(&given.tenant, id).await.expect("read").is_some();
        if number % 10 == 3 {
            assert!(matches!(outcome, Err(StoreError::Rejected(_))), "{outcome:?}");
            assert!(!stored, "nothing of a refused submission is kept");
        } else {
            assert!(matches!(outcome, Ok(Submitted::Created { .. })), "{outcome:?}");
            assert!(stored);
        }
    }
}

pub async fn text_is_kept_exactly(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for text in ["a\0b", "\u{feff}\u{202e}☃\u{10ffff}", "'; DROP TABLE jobs; --", "\\u0000\"\n"] {
        let mut new = new_job(&given.tenant);
        new.submission.question = text.to_owned();
        new.submission.labels = BTreeMap::from([(text.to_owned(), text.to_owned())]);
        let submission = new.submission.clone();
        let id = given.accepted(new).await.job.id;
        let mut held = given.claimed(id).await;
        let delta = OutputDelta { offset: 0, text: text.to_owned() };
        let events = held.apply(work([EventBody::OutputDelta(delta.clone())])).await;
        assert_eq!(events[0].body(), Some(EventBody::OutputDelta(delta)));
        assert_eq!(given.log(id).await.last(), events.last());
        assert_eq!(given.snapshot(id).await.submission, submission);
    }
}

fn keyed(given: &Given<'_>, request: u8) -> NewJob {
    NewJob { idempotency: Some(key("k", request)), ..new_job(&given.tenant) }
}
