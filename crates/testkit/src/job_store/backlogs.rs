//! How much waits.

use std::time::Duration;

use engine::job::Change;
use engine::ports::{Backlog, Refill, Resend};

use super::JobStoreHarness;
use super::given::Given;
use crate::build::{new_job, problem, tenant};

const ALL: usize = 100;
const RESEND: Resend = Resend::always(Duration::from_secs(15));

pub async fn a_backlog_has_what_is_due_held_and_backing_off(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    assert_eq!(backlog(&given, ALL).await, Backlog::default());
    // Due: with a hint, without one, another tenant's, and one that was given back.
    given.queued().await;
    given.store.refill(Refill { window: 1, resend: RESEND }).await.expect("refilled");
    given.queued().await;
    given.accepted(new_job(&tenant("b"))).await;
    given.running().await.apply(Change::Release).await;
    // Held: one that runs, and one that is being cancelled.
    given.running().await;
    let cancelling = given.running().await.job.id;
    given.store.cancel(&given.tenant, cancelling, None).await.expect("asked");
    let delay = Duration::from_secs(60);
    given.running().await.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    // What has ended is no part of it.
    let ended = given.queued().await;
    given.store.cancel(&given.tenant, ended, None).await.expect("cancelled");

    assert_eq!(counts(backlog(&given, ALL).await), [4, 2, 1]);
    given.pass(delay).await;
    let due = backlog(&given, ALL).await;
    assert_eq!(counts(due), [5, 2, 0], "its time has come, whoever has noticed");
    given.store.refill(Refill { window: ALL, resend: RESEND }).await.expect("refilled");
    assert_eq!(counts(backlog(&given, ALL).await), [5, 2, 0]);
}

pub async fn a_backlog_is_as_old_as_its_oldest_due_job(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (first, minute) = (given.queued().await, Duration::from_secs(60));
    given.pass(minute).await;
    let delay = Duration::from_secs(30);
    given.running().await.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    given.pass(minute).await;
    let around = |expected: Duration, found: Duration| {
        assert!(found >= expected && found < expected + Duration::from_secs(10), "{found:?}");
    };
    around(minute * 2, backlog(&given, ALL).await.oldest_due);
    given.claimed(first).await;
    // A job that backed off is as old as its time, not as its failure.
    around(minute - delay, backlog(&given, ALL).await.oldest_due);
}

pub async fn a_backlog_is_counted_up_to_a_limit(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    for _ in 0..4 {
        given.queued().await;
        given.running().await;
    }
    given.store.refill(Refill { window: 2, resend: RESEND }).await.expect("refilled");
    assert_eq!(counts(backlog(&given, 3).await), [3, 3, 0]);
    assert_eq!(counts(backlog(&given, 4).await), [4, 4, 0]);
}

async fn backlog(given: &Given<'_>, limit: usize) -> Backlog {
    given.store.backlog(limit).await.expect("counted")
}

fn counts(backlog: Backlog) -> [usize; 3] {
    [backlog.due, backlog.held, backlog.backing_off]
}
