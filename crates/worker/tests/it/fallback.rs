//! What makes jobs start when the queue does not.

use contracts::{Hint, JobState};
use engine::ports::JobStore as _;
use testkit::eventually;

use crate::fleet::{DEADLINE, Fleet, mark_hinted, open, submit};
use crate::queue::Queue;

const AT_ONCE: &str = "script: delay_ms=0";
const LONG: &str = "script: delay_ms=60000";

fn out() -> Queue {
    let queue = Queue::default();
    queue.fail();
    queue
}

#[tokio::test]
async fn without_a_queue_jobs_run_from_the_store() {
    let (fleet, _dir) = Fleet::start(2, out());
    for _ in 0..5 {
        submit(&fleet.store, AT_ONCE).await;
    }
    let last = submit(&fleet.store, AT_ONCE).await;
    fleet.succeeded(last).await;
    assert_eq!((fleet.queue.acks(), fleet.queue.nacks()), (0, 0));
    fleet.stop().await;
}

#[tokio::test]
async fn a_single_slot_is_enough_without_a_queue() {
    let (fleet, _dir) = Fleet::start(1, out());
    for _ in 0..3 {
        let id = submit(&fleet.store, AT_ONCE).await;
        fleet.succeeded(id).await;
    }
    fleet.stop().await;
}

#[tokio::test]
async fn jobs_whose_hints_an_outage_destroyed_run_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(submit(&store, AT_ONCE).await);
    }
    assert_eq!(mark_hinted(&store).await.len(), 5);
    let fleet = Fleet::over(store, 2, out());
    for id in ids {
        fleet.succeeded(id).await;
    }
    fleet.stop().await;
}

#[tokio::test]
async fn no_more_jobs_are_taken_from_the_store_than_there_are_slots() {
    let (fleet, _dir) = Fleet::start(2, out());
    for _ in 0..5 {
        submit(&fleet.store, LONG).await;
    }
    eventually(DEADLINE, async || {
        let waiting = mark_hinted(&fleet.store).await;
        let hints: Vec<_> = waiting.iter().map(|&job_id| Hint::of(job_id)).collect();
        fleet.store.unhint(&hints).await.unwrap();
        assert!(waiting.len() >= 3, "{waiting:?}");
        (waiting.len() == 3).then_some(())
    })
    .await;
    fleet.stop().await;
}

#[tokio::test]
async fn after_an_outage_hints_are_used_again() {
    let (fleet, _dir) = Fleet::start(2, out());
    let first = submit(&fleet.store, AT_ONCE).await;
    fleet.succeeded(first).await;
    fleet.queue.recover();
    let second = submit(&fleet.store, AT_ONCE).await;
    fleet.publish(second).await;
    fleet.succeeded(second).await;
    eventually(DEADLINE, async || (fleet.queue.acks() == 1).then_some(())).await;
    fleet.stop().await;
}

#[tokio::test]
async fn a_hint_for_a_job_that_was_taken_from_the_store_changes_nothing() {
    let (fleet, _dir) = Fleet::start(2, out());
    let id = submit(&fleet.store, LONG).await;
    eventually(DEADLINE, async || {
        (fleet.get(id).await.job.state.name() == JobState::Running).then_some(())
    })
    .await;
    let before = fleet.get(id).await.job.epoch;
    fleet.queue.recover();
    fleet.publish(id).await;
    eventually(DEADLINE, async || (fleet.queue.acks() == 1).then_some(())).await;
    let job = fleet.get(id).await.job;
    assert_eq!((job.attempt, job.epoch), (1, before));
    fleet.stop().await;
}

#[tokio::test]
async fn a_lost_hint_is_sent_again_while_slots_are_free_and_the_queue_is_empty() {
    let (fleet, _dir) = Fleet::start(2, Queue::default());
    for _ in 0..20 {
        submit(&fleet.store, AT_ONCE).await;
    }
    let lost = mark_hinted(&fleet.store).await;
    assert_eq!(lost.len(), 20);
    for id in lost {
        let ended = fleet.succeeded(id).await;
        let started_at = ended.attempts[0].started_at.as_millis();
        let waited_ms = started_at - ended.job.created_at.as_millis();
        // Refills send it again after 15 s, as long as it may still wait in the queue.
        assert!((1_900..10_000).contains(&waited_ms), "{waited_ms} ms");
    }
    fleet.stop().await;
}
