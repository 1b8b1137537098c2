//! What becomes of a delivery, and of a consumer.

use std::time::{Duration, Instant};

use adapter_rabbitmq::RabbitMqHintQueue;
use contracts::JobId;
use engine::ports::HintQueue;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use testkit::eventually;
use testkit::servers::rabbitmq::{self, VirtualHost};

use crate::support::{HINTS, SOON, dispatch_is_back, open_queue, publish, receive, settings};

#[tokio::test]
async fn a_hint_stays_with_the_broker_until_its_receiver_settles_it() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    publish(&queue).await;
    let delivery = receive(&queue).await;
    assert_eq!(host.depth(HINTS).await, Some(1));
    delivery.receipt.ack().await;
    emptied(&host).await;
}

#[tokio::test]
async fn a_process_that_ends_leaves_its_hints_to_another() {
    let Some(host) = rabbitmq::private().await else { return };
    let ending = open_queue(settings(&host)).await;
    let staying = open_queue(settings(&host)).await;
    let sent = publish(&ending).await;
    let held = receive(&ending).await;
    ending.close().await;
    let delivery = receive(&staying).await;
    assert_eq!(delivery.hint, sent);
    drop(held);
    delivery.receipt.ack().await;
}

#[tokio::test]
async fn a_hint_that_nobody_here_has_a_slot_for_goes_to_another_worker() {
    let Some(host) = rabbitmq::private().await else { return };
    let busy = open_queue(settings(&host)).await;
    let free = open_queue(settings(&host)).await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(publish(&free).await);
    }
    // The prefetch brings all four here, and there is one slot.
    let mut received = vec![receive(&busy).await];
    for _ in 1..sent.len() {
        received.push(receive(&free).await);
    }
    for hint in sent {
        assert!(received.iter().any(|delivery| delivery.hint == hint), "{hint:?} is missing");
    }
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again_and_consumed_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    let waiting = queue.clone();
    let receiver = tokio::spawn(async move { receive(&waiting).await.hint });
    consumed(&host).await;
    host.delete_queue(HINTS).await;
    let deleted = Instant::now();
    // The broker has cancelled the consumer; whoever waits goes on waiting.
    consumed(&host).await;
    let sent = publish_until_taken(&queue).await;
    assert_eq!(receiver.await.expect("received"), sent);
    dispatch_is_back(&queue, deleted).await;
}

#[tokio::test]
async fn a_channel_that_the_broker_closed_is_opened_again() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    node.limit_unsettled(Duration::from_millis(300)).await;
    let queue = open_queue(settings(&host)).await;
    let sent = publish(&queue).await;
    let slow = receive(&queue).await;
    // The broker takes the delivery back, and closes its channel with 406.
    let again = receive(&queue).await;
    assert_eq!((slow.hint, again.hint), (sent, sent));
    again.receipt.ack().await;
    emptied(&host).await;
}

#[tokio::test]
async fn a_hint_that_is_always_given_back_ends() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    publish(&queue).await;
    let nobody_wants_it = async {
        loop {
            receive(&queue).await.receipt.nack().await;
        }
    };
    tokio::select! {
        () = emptied(&host) => {}
        () = nobody_wants_it => {}
    }
}

#[tokio::test]
async fn a_hint_with_unknown_fields_is_read_and_what_is_no_hint_is_passed_over() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    let job_id = JobId::new();
    let newer = serde_json::json!({"v": 9, "job_id": job_id, "weight": {"of": ["a", 1]}});
    send(&host, b"no hint at all").await;
    send(&host, newer.to_string().as_bytes()).await;
    let delivery = receive(&queue).await;
    assert_eq!(delivery.hint.job_id, job_id);
    delivery.receipt.ack().await;
    emptied(&host).await;
}

async fn emptied(host: &VirtualHost) {
    eventually(SOON, || async { (host.depth(HINTS).await == Some(0)).then_some(()) }).await;
}

async fn consumed(host: &VirtualHost) {
    eventually(SOON, || async { (host.consumers(HINTS).await == Some(1)).then_some(()) }).await;
}

async fn publish_until_taken(queue: &RabbitMqHintQueue) -> contracts::Hint {
    eventually(SOON, || async {
        let hint = crate::support::hint();
        queue.publish(hint).await.is_ok().then_some(hint)
    })
    .await
}

/// Puts a message of another release into the queue.
async fn send(host: &VirtualHost, payload: &[u8]) {
    let connection = Connection::connect(host.url(), ConnectionProperties::default()).await;
    let channel = connection.expect("connected").create_channel().await.expect("a channel");
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = channel.basic_publish("".into(), HINTS.into(), options, payload, properties).await;
    sent.expect("sent").await.expect("no confirm was asked for");
}
