//! Which version of the workflow a job is run with, while releases replace each other.

use std::time::Duration;

use contracts::{JobId, WorkerId};
use engine::job::{Change, RETIRED_AFTER};
use engine::ports::{Claimed, NewJob, StepRecord};

use super::JobStoreHarness;
use super::given::{Given, Held, applied, kinds, work};
use crate::build::{new_job, step_completed, step_record, step_started};

/// A worker of the former release, and one of the next.
const OLD: &[u32] = &[1];
const NEW: &[u32] = &[2, 1];

/// A worker that says what it knows.
struct Knowing<'g> {
    given: &'g Given<'g>,
    id: WorkerId,
    pipelines: &'static [u32],
}

impl<'g> Knowing<'g> {
    async fn alive(given: &'g Given<'g>, pipelines: &'static [u32]) -> Self {
        let worker = Self { given, id: WorkerId::new(), pipelines };
        worker.renew().await;
        worker
    }

    async fn renew(&self) {
        self.given.store.renew(self.id, self.pipelines).await.expect("renewed");
    }

    async fn claim(&self, id: JobId) -> Option<Claimed> {
        self.given.store.claim(id, self.id, self.pipelines).await.expect("claimed or not")
    }

    /// The version that a new job gets from it.
    async fn stamp(&self) -> Option<u32> {
        let claimed = self.claim(self.given.queued().await).await.expect("the job is due");
        claimed.committed.job.pipeline_version
    }

    async fn held(&self, id: JobId) -> Held {
        let claimed = self.claim(id).await.expect("the job is due");
        Held::of(self.given.store.clone(), self.id, &claimed)
    }

    async fn retire(self) {
        self.given.store.retire(self.id).await.expect("retired");
    }

    /// Lives on, at a store that is swept each second.
    async fn live_for(&self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.given.pass(Duration::from_secs(1)).await;
            self.renew().await;
            self.given.sweep().await;
        }
    }
}

fn of_version(step: &str, pipeline_version: u32) -> StepRecord {
    StepRecord { pipeline_version, ..step_record(step) }
}

pub async fn a_job_gets_the_newest_workflow_that_all_live_workers_know(
    harness: &dyn JobStoreHarness,
) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    assert_eq!(new.stamp().await, Some(2));
    let old = Knowing::alive(&given, OLD).await;
    assert_eq!(new.stamp().await, Some(1), "the old one could not go on with it");
    assert_eq!(old.stamp().await, Some(1));
    old.retire().await;
    assert_eq!(new.stamp().await, Some(2), "whoever is left knows it");
}

pub async fn a_claim_says_what_its_worker_knows(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    let id = given.queued().await;
    let claimed = given.store.claim(id, WorkerId::new(), OLD).await.expect("claimed or not");
    assert_eq!(claimed.expect("the job is due").committed.job.pipeline_version, Some(1));
    assert_eq!(new.stamp().await, Some(1), "the other one is alive, though it never renewed");
}

pub async fn workers_without_a_common_workflow_run_their_own(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let _old = Knowing::alive(&given, OLD).await;
    let newest = Knowing::alive(&given, &[3, 2]).await;
    assert_eq!(newest.stamp().await, Some(3));
}

pub async fn a_job_is_left_to_those_who_know_its_workflow(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    let id = given.queued().await;
    new.held(id).await.apply(Change::Release).await;
    let old = Knowing::alive(&given, OLD).await;
    assert!(old.claim(id).await.is_none());
    // One of them is enough.
    let another = Knowing::alive(&given, NEW).await;
    new.retire().await;
    another.live_for(RETIRED_AFTER + Duration::from_secs(5)).await;
    assert!(old.claim(id).await.is_none());
    let claimed = another.claim(id).await.expect("it knows the workflow");
    assert_eq!(kinds(&claimed.committed.events), ["job.started"]);
    assert_eq!(claimed.committed.job.pipeline_version, Some(2));
}

pub async fn a_job_whose_workflow_nobody_knows_any_more_starts_over(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    let id = given.queued().await;
    let mut held = new.held(id).await;
    let done = work([step_started("plan"), step_completed("plan")]);
    applied(held.checkpoint(done, vec![of_version("plan", 2)]).await);
    held.apply(Change::Release).await;
    let old = Knowing::alive(&given, OLD).await;
    given.sweep().await;
    new.retire().await;
    old.live_for(RETIRED_AFTER - Duration::from_secs(5)).await;
    assert!(old.claim(id).await.is_none(), "whoever knows it may only be restarting");
    old.live_for(Duration::from_secs(10)).await;

    let claimed = old.claim(id).await.expect("nobody else will");
    assert_eq!(kinds(&claimed.committed.events), ["job.started", "output.reset"]);
    let job = &claimed.committed.job;
    assert_eq!((job.pipeline_version, job.failures, job.crash_count), (Some(1), 0, 0));
    assert_eq!(claimed.done, [], "what was finished is of another workflow");
    assert_eq!(given.snapshot(id).await.job, *job);

    let mut held = Held::of(given.store.clone(), old.id, &claimed);
    let done = work([step_started("plan"), step_completed("plan")]);
    applied(held.checkpoint(done, vec![of_version("plan", 1)]).await);
    held.apply(Change::Release).await;
    let again = old.claim(id).await.expect("the job is due");
    assert_eq!(again.done, [of_version("plan", 1)]);
    assert_eq!(kinds(&again.committed.events), ["job.started"]);
}

pub async fn no_workflow_is_retired_while_nobody_sweeps(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    let id = given.queued().await;
    new.held(id).await.apply(Change::Release).await;
    given.sweep().await;
    new.retire().await;
    // The whole fleet was away.
    given.pass(10 * RETIRED_AFTER).await;
    given.sweep().await;
    let old = Knowing::alive(&given, OLD).await;
    assert!(old.claim(id).await.is_none());
    old.live_for(RETIRED_AFTER + Duration::from_secs(5)).await;
    assert!(old.claim(id).await.is_some());
}

pub async fn steps_taken_over_bind_a_job_to_their_workflow(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = Knowing::alive(&given, NEW).await;
    let taken_over = || NewJob {
        carried: vec![of_version("plan", 1)],
        carried_events: vec![step_completed("plan")],
        ..new_job(&given.tenant)
    };
    let id = given.accepted(taken_over()).await.job.id;
    let claimed = new.claim(id).await.expect("the job is due");
    assert_eq!(claimed.committed.job.pipeline_version, Some(1), "not the newest");
    assert_eq!(claimed.done, [of_version("plan", 1)]);

    let id = given.accepted(taken_over()).await.job.id;
    new.retire().await;
    let newest = Knowing::alive(&given, &[3, 2]).await;
    newest.live_for(RETIRED_AFTER + Duration::from_secs(5)).await;
    let claimed = newest.claim(id).await.expect("nobody else will");
    assert_eq!(kinds(&claimed.committed.events), ["job.started", "output.reset"]);
    assert_eq!((claimed.committed.job.pipeline_version, claimed.done.len()), (Some(3), 0));
}
