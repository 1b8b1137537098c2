//! A broker that is short of memory: it blocks every connection that publishes.

use std::time::{Duration, Instant};

use adapter_rabbitmq::{RabbitMqHintQueue, RabbitMqProgressBus};
use contracts::{JobId, News};
use engine::ports::{HintQueue, NewsItem, ProgressBus};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties, Event};
use testkit::eventually;
use testkit::servers::rabbitmq::{self, RabbitMq};
use tokio::time::timeout;

use crate::support::{HINTS, SOON, dispatch_is_back, hint, open_queue, publish, receive, settings};

/// What a publisher may take to learn that it is blocked.
const BLOCKED_MAX: Duration = Duration::from_secs(4);
/// What fails at once takes no longer.
const AT_ONCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_blocked_publisher_fails_in_bounded_time_and_comes_back_after_the_alarm() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    block(&node, &queue).await;
    let begun = Instant::now();
    assert!(queue.publish(hint()).await.is_err());
    assert!(begun.elapsed() < AT_ONCE, "a blocked broker is known: {:?}", begun.elapsed());
    assert!(queue.outage().is_some());
    node.clear_memory_alarm().await;
    dispatch_is_back(&queue, Instant::now()).await;
}

#[tokio::test]
async fn deliveries_are_settled_while_publishers_are_blocked() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let queue = open_queue(settings(&host)).await;
    let sent = publish(&queue).await;
    let delivery = receive(&queue).await;
    block(&node, &queue).await;
    assert_eq!(delivery.hint, sent);
    delivery.receipt.ack().await;
    eventually(SOON, || async { (host.depth(HINTS).await == Some(0)).then_some(()) }).await;
}

#[tokio::test]
async fn publishing_news_never_waits_for_a_blocked_broker() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let bus = RabbitMqProgressBus::open(&settings(&host));
    let mut stream = bus.subscribe().await;
    node.raise_memory_alarm().await;
    let begun = Instant::now();
    for _ in 0..10_000 {
        bus.publish(News { job_id: JobId::new(), events: Vec::new() }).await;
    }
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    node.clear_memory_alarm().await;
    let last = JobId::new();
    bus.publish(News { job_id: last, events: Vec::new() }).await;
    let heard = async {
        while let Some(item) = stream.next().await {
            if matches!(item, NewsItem::News(news) if news.job_id == last) {
                return;
            }
        }
        panic!("the subscription ended");
    };
    timeout(SOON, heard).await.expect("news are heard again");
}

/// Why there are three connections.
#[tokio::test]
async fn an_ack_stops_on_a_connection_that_is_blocked() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    let connection = Connection::connect(host.url(), ConnectionProperties::default()).await;
    let connection = connection.expect("connected");
    let mut events = Box::pin(connection.events_listener());
    let channel = connection.create_channel().await.expect("a channel");
    let (queue, none) = ("q", FieldTable::default());
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), durable, none.clone()).await.expect("declared");
    let send = || {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        channel.basic_publish("".into(), queue.into(), options, b"x", properties)
    };
    send().await.expect("sent");
    let consuming = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(queue.into(), "".into(), consuming, none).await;
    let delivered = consumer.expect("consumes").next().await.expect("open").expect("delivered");
    node.raise_memory_alarm().await;
    send().await.expect("sent");
    let blocked = events.by_ref().filter(|event| {
        let is_blocked = matches!(event, Event::ConnectionBlocked(_));
        async move { is_blocked }
    });
    let mut blocked = Box::pin(blocked);
    timeout(SOON, blocked.next()).await.expect("told that it is blocked");
    let mut ack = Box::pin(delivered.ack(BasicAckOptions::default()));
    assert!(timeout(AT_ONCE, &mut ack).await.is_err(), "nothing is written while blocked");
    node.clear_memory_alarm().await;
    assert!(timeout(SOON, ack).await.expect("written again").expect("acknowledged"));
}

/// Raises the alarm, and lets a publisher run into it.
async fn block(node: &RabbitMq, queue: &RabbitMqHintQueue) {
    node.raise_memory_alarm().await;
    let begun = Instant::now();
    assert!(queue.publish(hint()).await.is_err());
    assert!(begun.elapsed() < BLOCKED_MAX, "it took {:?}", begun.elapsed());
    assert!(queue.outage().is_some());
}
