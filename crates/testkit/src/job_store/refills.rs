//! Whose hints are sent, and in which order.

use std::time::Duration;

use contracts::{Hint, JobId, TenantId};
use engine::job::Change;
use engine::ports::{NewJob, Refill, Resend, Submitted};

use super::JobStoreHarness;
use super::given::Given;
use crate::build::{TIMEOUT, new_job, problem, tenant};

const RESEND_AFTER: Duration = Duration::from_secs(15);
const RESEND: Resend = Resend { first: RESEND_AFTER, max: Duration::from_secs(300) };

pub async fn a_refill_fills_the_window_and_no_more(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for _ in 0..5 {
        given.queued().await;
    }
    let first = refill(&given, 3).await;
    assert_eq!(first.len(), 3);
    assert_eq!(refill(&given, 3).await, [], "the window is full");
    given.claim(first[0]).await.expect("the job is due");
    let next = refill(&given, 3).await;
    assert_eq!(next.len(), 1, "a claim makes room");
    assert!(!first.contains(&next[0]));
    assert_eq!(refill(&given, 0).await, []);
}

pub async fn only_jobs_that_are_due_are_hinted(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    let delay = Duration::from_secs(60);
    held.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    let mut postponed = given.running().await;
    let longer = Duration::from_secs(5);
    let later = delay + longer;
    postponed.apply(Change::Postpone { events: vec![], error: problem(), delay: later }).await;
    given.running().await;
    let ended = given.queued().await;
    given.store.cancel(&given.tenant, ended, None).await.expect("cancelled");
    assert_eq!(refill(&given, 10).await, []);
    given.pass(delay).await;
    assert_eq!(refill(&given, 10).await, [held.job.id]);
    given.pass(longer).await;
    assert_eq!(refill(&given, 10).await, [postponed.job.id]);
    let overdue = given.queued().await;
    given.pass(TIMEOUT).await;
    assert!(!refill(&given, 10).await.contains(&overdue));
}

pub async fn within_a_tenant_started_then_urgent_jobs_come_first(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let submit = async |priority: u32, timeout_s: u64| {
        let mut new = new_job(&given.tenant);
        new.submission.priority = Some(priority);
        new.timeout = Duration::from_secs(timeout_s);
        given.accepted(new).await.job.id
    };
    let later = submit(5, 500).await;
    let sooner = submit(5, 400).await;
    let urgent = submit(9, 600).await;
    let idle = submit(0, 300).await;
    let started = submit(0, 600).await;
    given.claimed(started).await.apply(Change::Release).await;
    assert_eq!(refill(&given, 10).await, [started, urgent, sooner, later, idle]);
}

pub async fn tenants_take_turns(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (many, few) = (tenant("a"), tenant("b"));
    let mut of_many = Vec::new();
    for _ in 0..6 {
        of_many.push(given.accepted(new_job(&many)).await.job.id);
    }
    let mut of_few = Vec::new();
    for _ in 0..2 {
        of_few.push(given.accepted(new_job(&few)).await.job.id);
    }
    let taken = refill(&given, 5).await;
    let is_of_few: Vec<bool> = taken.iter().map(|id| of_few.contains(id)).collect();
    assert_eq!(is_of_few, [false, true, false, true, false]);
}

pub async fn a_tenant_with_less_running_goes_first(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (busy, idle) = (tenant("a"), tenant("b"));
    let running = given.accepted(new_job(&busy)).await.job.id;
    given.claimed(running).await;
    let of_busy = given.accepted(new_job(&busy)).await.job.id;
    let of_idle = given.accepted(new_job(&idle)).await.job.id;
    assert_eq!(refill(&given, 2).await, [of_idle, of_busy]);
}

pub async fn one_at_a_time_no_tenant_starves(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let tenants: Vec<TenantId> = ["a", "b", "c"].map(tenant).into();
    let mut owners = std::collections::BTreeMap::new();
    for owner in &tenants {
        for _ in 0..4 {
            owners.insert(given.accepted(new_job(owner)).await.job.id, owner.clone());
        }
    }
    let mut served: Vec<TenantId> = Vec::new();
    for _ in 0..6 {
        let taken = refill(&given, 1).await;
        served.push(owners[&taken[0]].clone());
        // It is done before the next refill: nothing is ever seen running.
        given.store.cancel(&owners[&taken[0]], taken[0], None).await.expect("cancelled");
    }
    for owner in &tenants {
        assert_eq!(served.iter().filter(|tenant| *tenant == owner).count(), 2, "{served:?}");
    }
}

pub async fn an_unclaimed_hint_is_sent_again(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (lost, claimed) = (given.queued().await, given.queued().await);
    assert_eq!(refill(&given, 10).await.len(), 2);
    given.claim(claimed).await.expect("the job is due");
    given.pass(RESEND_AFTER - Duration::from_secs(1)).await;
    assert_eq!(refill(&given, 10).await, []);
    given.pass(Duration::from_secs(1)).await;
    assert_eq!(refill(&given, 10).await, [lost]);
    assert_eq!(refill(&given, 10).await, [], "its time begins anew");
}

pub async fn each_hint_in_vain_doubles_the_wait_for_the_next(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let new = NewJob { timeout: Duration::from_secs(3_600), ..new_job(&given.tenant) };
    let id = given.accepted(new).await.job.id;
    assert_eq!(refill(&given, 10).await, [id]);
    for seconds in [15, 30, 60, 120, 240, 300, 300] {
        given.pass(Duration::from_secs(seconds - 1)).await;
        assert_eq!(refill(&given, 10).await, [], "before {seconds} s");
        given.pass(Duration::from_secs(1)).await;
        assert_eq!(refill(&given, 10).await, [id], "after {seconds} s");
    }
}

pub async fn a_hint_that_is_known_to_be_lost_does_not_wait_longer_each_time(
    harness: &dyn JobStoreHarness,
) {
    let given = Given::new(harness);
    let id = given.queued().await;
    let after = Duration::from_secs(2);
    let lost = Refill { window: 10, resend: Resend::always(after) };
    assert_eq!(taken(&given, lost).await, [id]);
    for _ in 0..5 {
        given.pass(after).await;
        assert_eq!(taken(&given, lost).await, [id]);
    }
    given.pass(RESEND_AFTER).await;
    assert_eq!(refill(&given, 10).await, [], "each of them counts for those who are not sure");
}

pub async fn a_submission_that_is_hinted_counts_as_the_first_hint(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.accepted(NewJob { hint_window: 9, ..new_job(&given.tenant) }).await.job.id;
    for wait in [RESEND_AFTER, 2 * RESEND_AFTER] {
        given.pass(wait - Duration::from_secs(1)).await;
        assert_eq!(refill(&given, 10).await, []);
        given.pass(Duration::from_secs(1)).await;
        assert_eq!(refill(&given, 10).await, [id]);
    }
}

pub async fn what_is_recorded_of_a_job_ends_the_count_of_its_hints(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    for wait in [Duration::ZERO, RESEND_AFTER, 2 * RESEND_AFTER] {
        given.pass(wait).await;
        assert_eq!(refill(&given, 10).await, [id]);
    }
    given.claimed(id).await.apply(Change::Release).await;
    for wait in [Duration::ZERO, RESEND_AFTER] {
        given.pass(wait).await;
        assert_eq!(refill(&given, 10).await, [id]);
    }
}

pub async fn a_hint_that_was_not_sent_does_not_count(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    for _ in 0..5 {
        assert_eq!(refill(&given, 10).await, [id]);
        given.store.unhint(&[Hint::of(id)]).await.expect("given back");
    }
    assert_eq!(refill(&given, 10).await, [id]);
    given.pass(RESEND_AFTER).await;
    assert_eq!(refill(&given, 10).await, [id]);
}

pub async fn a_hint_that_was_not_sent_is_taken_again(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    assert_eq!(refill(&given, 10).await, [id]);
    let unsent = [Hint::of(id), Hint::of(JobId::new())];
    given.store.unhint(&unsent).await.expect("given back");
    assert_eq!(refill(&given, 10).await, [id]);
}

pub async fn a_submission_is_hinted_while_there_is_room_and_nobody_waits(
    harness: &dyn JobStoreHarness,
) {
    let given = Given::new(harness);
    let submit = async |owner: &str, hint_window: usize| {
        let new = NewJob { hint_window, ..new_job(&tenant(owner)) };
        match given.store.submit(new).await.expect("submitted") {
            Submitted::Created { hinted, .. } => hinted,
            other @ (Submitted::Replayed(_) | Submitted::KeyReused | Submitted::KeyGone) => {
                panic!("not accepted: {other:?}")
            }
        }
    };
    assert!(submit("a", 2).await);
    assert!(submit("a", 2).await);
    assert!(!submit("a", 2).await, "the window is full");
    assert!(!submit("a", 9).await, "one of the tenant's jobs waits already");
    assert!(submit("b", 9).await, "nobody of this tenant waits");
    assert!(!submit("c", 0).await);
}

pub async fn a_job_given_back_is_hinted_again(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    assert_eq!(refill(&given, 10).await, [id]);
    given.claimed(id).await;
    given.silence().await;
    assert_eq!(refill(&given, 10).await, [id]);
}

async fn refill(given: &Given<'_>, window: usize) -> Vec<JobId> {
    taken(given, Refill { window, resend: RESEND }).await
}

async fn taken(given: &Given<'_>, refill: Refill) -> Vec<JobId> {
    let hints = given.store.refill(refill).await.expect("refilled");
    hints.into_iter().map(|hint| hint.job_id).collect()
}
