//! A broker that goes away, and comes back.

use std::time::{Duration, Instant};

use adapter_rabbitmq::{RabbitMqHintQueue, Settings};
use engine::ports::{HintQueue, QueueClosed};
use futures_util::future::join_all;
use testkit::eventually;
use testkit::servers::rabbitmq::{self, VirtualHost};
use tokio::time::timeout;

use crate::support::{
    HINTS, SOON, dispatch_is_back, down, hint, open_queue, publish, receive, settings, up,
};

/// What fails at once takes no longer.
const AT_ONCE: Duration = Duration::from_millis(500);
/// What it may take to replace a queue that is dead.
const DEAD_MAX: Duration = Duration::from_secs(30);
/// Processes that use one broker.
const FLEET: u64 = 12;

#[tokio::test]
async fn a_broker_that_is_absent_holds_nobody_up() {
    // Nobody listens on port 1.
    let settings = Settings::for_url("amqp://guest:guest@127.0.0.1:1/%2f").expect("a URL");
    let queue = RabbitMqHintQueue::open(settings);
    let begun = Instant::now();
    assert!(queue.publish(hint()).await.is_err());
    assert!(begun.elapsed() < AT_ONCE, "it took {:?}", begun.elapsed());
    let waiting = queue.clone();
    let receiver = tokio::spawn(async move { waiting.receive().await.err() });
    let outage = eventually(SOON, || async {
        queue.outage().filter(|outage| *outage >= Duration::from_millis(200))
    });
    outage.await;
    assert!(!receiver.is_finished(), "a receiver keeps waiting");
    queue.close().await;
    let told = timeout(SOON, receiver).await.expect("told").expect("no panic");
    assert_eq!(told, Some(QueueClosed));
}

#[tokio::test]
async fn a_node_that_was_restarted_is_used_within_seconds_and_has_what_it_confirmed() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    let sent = publish(&queue).await;
    node.stop().await;
    down(&queue).await;
    assert!(queue.publish(hint()).await.is_err());
    node.start().await;
    let back = Instant::now();
    let delivery = receive(&queue).await;
    assert_eq!(delivery.hint, sent);
    delivery.receipt.ack().await;
    dispatch_is_back(&queue, back).await;
}

#[tokio::test]
async fn a_node_that_was_killed_is_used_within_seconds_and_has_what_it_confirmed() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    let sent = publish(&queue).await;
    node.note_queues().await;
    node.kill().await;
    down(&queue).await;
    node.start().await;
    let back = Instant::now();
    let delivery = receive(&queue).await;
    assert_eq!(delivery.hint, sent);
    delivery.receipt.ack().await;
    dispatch_is_back(&queue, back).await;
}

/// A queue that was declared in the second before its node was killed may have no leader ever
/// after.
#[tokio::test]
async fn a_queue_without_a_leader_is_replaced_without_an_operator() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    publish(&queue).await;
    node.kill().await;
    down(&queue).await;
    node.start().await;
    let used = eventually(DEAD_MAX, || async { queue.publish(hint()).await.ok() });
    used.await;
}

/// Every process of a fleet finds the queue dead at the same time. If each replaced it, each would
/// throw away what had been sent to another's, and nobody would be done before the last.
#[tokio::test]
async fn a_queue_without_a_leader_is_replaced_once_however_many_find_it() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let fleet = open_fleet(&host).await;
    node.kill().await;
    for queue in &fleet {
        down(queue).await;
    }
    node.start().await;
    each_is_used_and_none_loses_anothers_hint(&fleet, &host).await;
}

/// Whoever asks it something has its connection closed.
#[tokio::test]
async fn a_queue_without_a_process_is_replaced_once_however_many_find_it() {
    let Some(host) = rabbitmq::private().await else { return };
    let fleet = open_fleet(&host).await;
    host.end_queue_process(HINTS).await;
    host.cut_connections().await;
    each_is_used_and_none_loses_anothers_hint(&fleet, &host).await;
}

async fn open_fleet(host: &VirtualHost) -> Vec<RabbitMqHintQueue> {
    let opened = (0..FLEET).map(|_| open_queue(settings(host)));
    join_all(opened).await
}

async fn each_is_used_and_none_loses_anothers_hint(
    fleet: &[RabbitMqHintQueue],
    host: &VirtualHost,
) {
    let used = fleet
        .iter()
        .map(|queue| eventually(DEAD_MAX, || async { queue.publish(hint()).await.ok() }));
    join_all(used).await;
    for queue in fleet {
        up(queue).await;
    }
    let held = host.depth(HINTS).await;
    assert!(held >= Some(FLEET), "{held:?} of {FLEET} hints are left");
}

#[tokio::test]
async fn a_broker_that_was_stopped_is_used_within_seconds_of_its_return() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    dispatch_is_back(&queue, Instant::now()).await;
    node.stop_app().await;
    down(&queue).await;
    node.start_app().await;
    dispatch_is_back(&queue, Instant::now()).await;
}

#[tokio::test]
async fn a_broker_that_forgot_everything_is_told_again_what_there_is() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    dispatch_is_back(&queue, Instant::now()).await;
    node.stop_app().await;
    node.reset().await;
    node.start_app().await;
    assert_eq!(host.depth(HINTS).await, None);
    host.make_again().await;
    dispatch_is_back(&queue, Instant::now()).await;
    assert!(host.depth(HINTS).await.is_some());
}

#[tokio::test]
async fn connections_that_are_cut_are_made_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    dispatch_is_back(&queue, Instant::now()).await;
    host.cut_connections().await;
    dispatch_is_back(&queue, Instant::now()).await;
}

#[tokio::test]
async fn connections_that_an_operator_closes_are_made_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    dispatch_is_back(&queue, Instant::now()).await;
    host.close_connections().await;
    dispatch_is_back(&queue, Instant::now()).await;
}

#[tokio::test]
async fn an_unsettled_delivery_of_a_lost_connection_comes_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    let sent = publish(&queue).await;
    let lost = receive(&queue).await;
    host.cut_connections().await;
    let again = receive(&queue).await;
    assert_eq!(again.hint, sent);
    // It settles nothing, and above all not the delivery that has its number now.
    lost.receipt.ack().await;
    assert_eq!(host.depth(HINTS).await, Some(1));
    again.receipt.ack().await;
    eventually(SOON, || async { (host.depth(HINTS).await == Some(0)).then_some(()) }).await;
}
