//! Delivery, bounds and the end.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::{Hint, JobId};
use engine::ports::{Delivery, HintQueue, PublishError};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::HintQueueHarness;

/// Within this a hint that is there is delivered.
const SOON: Duration = Duration::from_secs(10);
/// A hint that was not delivered by then is not there.
const NOT_BY: Duration = Duration::from_millis(100);

pub async fn a_hint_is_delivered_to_one_receiver(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    let hint = publish(queue.as_ref()).await;
    let delivery = receive(queue.as_ref()).await;
    assert_eq!(delivery.hint, hint);
    assert_empty(queue.as_ref()).await;
    delivery.receipt.ack().await;
}

pub async fn a_settled_hint_is_not_delivered_again(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    publish(queue.as_ref()).await;
    receive(queue.as_ref()).await.receipt.ack().await;
    assert_empty(queue.as_ref()).await;
}

pub async fn a_hint_that_is_given_back_is_delivered_again(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    let hint = publish(queue.as_ref()).await;
    for _ in 0..3 {
        let delivery = receive(queue.as_ref()).await;
        assert_eq!(delivery.hint, hint);
        delivery.receipt.nack().await;
    }
    receive(queue.as_ref()).await.receipt.ack().await;
    assert_empty(queue.as_ref()).await;
}

pub async fn a_delivery_that_is_dropped_is_delivered_again(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    let hint = publish(queue.as_ref()).await;
    drop(receive(queue.as_ref()).await);
    let again = receive(queue.as_ref()).await;
    assert_eq!(again.hint, hint);
    again.receipt.ack().await;
}

pub async fn a_full_queue_refuses(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    for _ in 0..harness.capacity() {
        publish(queue.as_ref()).await;
    }
    let refused = queue.publish(Hint::of(JobId::new())).await;
    assert!(matches!(refused, Err(PublishError::Full)), "{refused:?}");
}

pub async fn a_settled_hint_makes_room(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    for _ in 0..harness.capacity() {
        publish(queue.as_ref()).await;
    }
    receive(queue.as_ref()).await.receipt.ack().await;
    publish(queue.as_ref()).await;
}

pub async fn a_receiver_that_gives_up_loses_no_hint(harness: &dyn HintQueueHarness) {
    let queue = harness.queue();
    for _ in 0..50 {
        // Ended at any point: before it waits, while it waits, as the hint arrives.
        let leaving = harness.queue();
        let impatient = tokio::spawn(async move {
            let _ = timeout(Duration::from_micros(50), leaving.receive()).await;
        });
        let hint = publish(queue.as_ref()).await;
        impatient.abort();
        let _ = impatient.await;
        let delivery = receive(queue.as_ref()).await;
        assert_eq!(delivery.hint, hint);
        delivery.receipt.ack().await;
    }
}

pub async fn a_waiting_receiver_is_woken(harness: &dyn HintQueueHarness) {
    let waiting = harness.queue();
    let receiver = tokio::spawn(async move { receive(waiting.as_ref()).await.hint });
    tokio::task::yield_now().await;
    let hint = publish(harness.queue().as_ref()).await;
    assert_eq!(receiver.await.expect("received"), hint);
}

pub async fn many_receivers_share_many_hints(harness: &dyn HintQueueHarness) {
    let count = harness.capacity().min(200);
    let mut receivers = JoinSet::new();
    for _ in 0..count {
        let queue = harness.queue();
        receivers.spawn(async move {
            let delivery = receive(queue.as_ref()).await;
            delivery.receipt.ack().await;
            delivery.hint.job_id
        });
    }
    let mut sent = BTreeSet::new();
    for _ in 0..count {
        sent.insert(publish(harness.queue().as_ref()).await.job_id);
    }
    let received: BTreeSet<JobId> = receivers.join_all().await.into_iter().collect();
    assert_eq!(received, sent);
}

pub async fn a_closed_queue_tells_its_receivers(harness: &dyn HintQueueHarness) {
    let mut receivers = JoinSet::new();
    for _ in 0..3 {
        let queue = harness.queue();
        receivers.spawn(async move { queue.receive().await.is_err() });
    }
    tokio::task::yield_now().await;
    harness.close().await;
    let told = timeout(SOON, receivers.join_all()).await.expect("every receiver is told");
    assert_eq!(told, [true; 3]);
    assert!(harness.queue().receive().await.is_err());
    assert!(harness.queue().publish(Hint::of(JobId::new())).await.is_err());
}

async fn publish(queue: &dyn HintQueue) -> Hint {
    let hint = Hint::of(JobId::new());
    queue.publish(hint).await.expect("there is room");
    hint
}

async fn receive(queue: &dyn HintQueue) -> Delivery {
    let delivery = timeout(SOON, queue.receive()).await.expect("a hint is delivered");
    delivery.expect("the queue is open")
}

async fn assert_empty(queue: &dyn HintQueue) {
    assert!(timeout(NOT_BY, queue.receive()).await.is_err(), "nothing is delivered");
}
