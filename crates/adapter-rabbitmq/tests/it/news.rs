//! What subscribers hear when something breaks.

use adapter_rabbitmq::RabbitMqProgressBus;
use contracts::{JobId, News};
use engine::ports::{NewsItem, NewsStream, ProgressBus};
use testkit::eventually;
use testkit::servers::rabbitmq;
use tokio::time::timeout;

use crate::support::{SOON, settings};

#[tokio::test]
async fn news_cross_from_one_process_to_another() {
    let Some(host) = rabbitmq::shared().await else { return };
    let telling = RabbitMqProgressBus::open(&settings(&host));
    let hearing = RabbitMqProgressBus::open(&settings(&host));
    drop(telling.subscribe().await);
    let mut stream = hearing.subscribe().await;
    let job_id = tell(&telling).await;
    let item = next(stream.as_mut()).await;
    assert!(matches!(item, NewsItem::News(news) if news.job_id == job_id));
}

#[tokio::test]
async fn a_subscriber_is_told_of_a_lost_connection_and_hears_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let bus = RabbitMqProgressBus::open(&settings(&host));
    let mut stream = bus.subscribe().await;
    host.cut_connections().await;
    assert!(matches!(next(stream.as_mut()).await, NewsItem::Lost));
    hears_again(&bus, stream.as_mut()).await;
}

#[tokio::test]
async fn a_subscriber_whose_queue_is_deleted_is_told_and_has_another() {
    let Some(host) = rabbitmq::private().await else { return };
    let bus = RabbitMqProgressBus::open(&settings(&host));
    let mut stream = bus.subscribe().await;
    for queue in host.queues().await {
        host.delete_queue(&queue).await;
    }
    assert!(matches!(next(stream.as_mut()).await, NewsItem::Lost));
    hears_again(&bus, stream.as_mut()).await;
}

#[tokio::test]
async fn the_queue_of_a_subscriber_that_left_is_deleted() {
    let Some(host) = rabbitmq::private().await else { return };
    let bus = RabbitMqProgressBus::open(&settings(&host));
    let stream = bus.subscribe().await;
    assert_eq!(host.queues().await.len(), 1);
    drop(stream);
    eventually(SOON, || async { host.queues().await.is_empty().then_some(()) }).await;
}

async fn hears_again(bus: &RabbitMqProgressBus, stream: &mut dyn NewsStream) {
    let heard = async {
        loop {
            let job_id = tell(bus).await;
            if matches!(stream.next().await, Some(NewsItem::News(news)) if news.job_id == job_id) {
                return;
            }
        }
    };
    timeout(SOON, heard).await.expect("news are heard again");
}

async fn tell(bus: &RabbitMqProgressBus) -> JobId {
    let job_id = JobId::new();
    bus.publish(News { job_id, events: Vec::new() }).await;
    job_id
}

async fn next(stream: &mut dyn NewsStream) -> NewsItem {
    timeout(SOON, stream.next()).await.expect("in time").expect("the bus is open")
}
