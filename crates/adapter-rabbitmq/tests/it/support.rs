//! What the tests share.

use std::time::{Duration, Instant};

use adapter_rabbitmq::{RabbitMqHintQueue, Settings};
use contracts::{Hint, JobId};
use engine::ports::{Delivery, HintQueue};
use testkit::eventually;
use testkit::servers::rabbitmq::VirtualHost;
use tokio::time::timeout;

/// The work queue.
pub(crate) const HINTS: &str = "assay.hints";
/// Within this, what happens at all has happened.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// Within this, a broker that is back is used.
pub(crate) const BACK_MAX: Duration = Duration::from_secs(5);

pub(crate) fn settings(host: &VirtualHost) -> Settings {
    Settings::for_url(host.url()).expect("a URL")
}

/// A queue whose connection for publishing is up.
pub(crate) async fn open_queue(settings: Settings) -> RabbitMqHintQueue {
    let queue = RabbitMqHintQueue::open(settings);
    up(&queue).await;
    queue
}

/// Waits until the queue can be used.
pub(crate) async fn up(queue: &RabbitMqHintQueue) {
    eventually(SOON, || async { queue.outage().is_none().then_some(()) }).await;
}

/// Waits until the queue cannot be used.
pub(crate) async fn down(queue: &RabbitMqHintQueue) {
    eventually(SOON, || async { queue.outage() }).await;
}

pub(crate) fn hint() -> Hint {
    Hint::of(JobId::new())
}

pub(crate) async fn publish(queue: &RabbitMqHintQueue) -> Hint {
    let hint = hint();
    queue.publish(hint).await.expect("taken");
    hint
}

pub(crate) async fn receive(queue: &RabbitMqHintQueue) -> Delivery {
    let delivery = timeout(SOON, queue.receive()).await.expect("a hint is delivered");
    delivery.expect("the queue is open")
}

/// Asserts that a hint goes through the broker, and says how long after `since` it did.
pub(crate) async fn dispatch_is_back(queue: &RabbitMqHintQueue, since: Instant) -> Duration {
    let hint = eventually(SOON, || async {
        let hint = hint();
        queue.publish(hint).await.is_ok().then_some(hint)
    })
    .await;
    loop {
        let delivery = receive(queue).await;
        let is_it = delivery.hint == hint;
        delivery.receipt.ack().await;
        if is_it {
            break;
        }
    }
    let took = since.elapsed();
    assert!(took < BACK_MAX, "dispatch was back after {took:?}");
    took
}
