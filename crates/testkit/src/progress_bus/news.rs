//! Who hears what, and in which order.

use std::sync::Arc;
use std::time::Duration;

use contracts::event::{LogEntry, OutputDelta};
use contracts::{Event, EventBody, JobId, News, Timestamp, TraceContext};
use engine::ports::{NewsItem, NewsStream, ProgressBus};
use tokio::time::timeout;

use super::ProgressBusHarness;

/// Within this, news that is not lost is heard.
const SOON: Duration = Duration::from_secs(10);

pub async fn every_subscriber_hears_what_is_published(harness: &dyn ProgressBusHarness) {
    let bus = open(harness);
    let mut first = bus.subscribe().await;
    let mut second = bus.subscribe().await;
    let job = JobId::new();
    for version in 1..=20 {
        bus.publish(news(job, version)).await;
    }
    for stream in [&mut first, &mut second] {
        for version in 1..=20 {
            assert_eq!(hear(stream.as_mut()).await, Some(news(job, version)));
        }
    }
}

pub async fn what_was_published_before_is_not_heard(harness: &dyn ProgressBusHarness) {
    let bus = open(harness);
    let job = JobId::new();
    bus.publish(news(job, 1)).await;
    let mut stream = bus.subscribe().await;
    bus.publish(news(job, 2)).await;
    assert_eq!(hear(stream.as_mut()).await, Some(news(job, 2)));
}

pub async fn publishing_without_subscribers_is_no_error(harness: &dyn ProgressBusHarness) {
    open(harness).publish(news(JobId::new(), 1)).await;
}

pub async fn a_slow_subscriber_holds_nobody_up(harness: &dyn ProgressBusHarness) {
    const NEWS: u64 = 20_000;
    let bus = open(harness);
    let mut slow = bus.subscribe().await;
    let job = JobId::new();
    let publishing = async {
        for version in 1..=NEWS {
            bus.publish(news(job, version)).await;
        }
    };
    timeout(Duration::from_secs(30), publishing).await.expect("publishing never waits");
    // What it hears in the end is in order; what it does not hear, it finds in the log.
    let mut heard = 0;
    while heard < NEWS {
        let Some(item) = timeout(SOON, slow.next()).await.unwrap_or(None) else { break };
        if let NewsItem::News(news) = item {
            let version = news.events[0].version();
            assert!(version > heard, "{version} was heard after {heard}");
            heard = version;
        }
    }
}

pub async fn a_subscriber_that_leaves_disturbs_nobody(harness: &dyn ProgressBusHarness) {
    let bus = open(harness);
    let leaving = bus.subscribe().await;
    let mut staying = bus.subscribe().await;
    drop(leaving);
    let job = JobId::new();
    bus.publish(news(job, 1)).await;
    assert_eq!(hear(staying.as_mut()).await, Some(news(job, 1)));
}

pub async fn a_reader_that_gives_up_loses_no_news(harness: &dyn ProgressBusHarness) {
    let bus = open(harness);
    let mut stream = bus.subscribe().await;
    let job = JobId::new();
    for version in 1..=50 {
        let impatient = timeout(Duration::from_micros(20), stream.next()).await;
        assert!(impatient.is_err(), "there is no news yet");
        bus.publish(news(job, version)).await;
        assert_eq!(hear(stream.as_mut()).await, Some(news(job, version)));
    }
}

pub async fn a_closed_bus_ends_its_subscriptions(harness: &dyn ProgressBusHarness) {
    let mut stream = open(harness).subscribe().await;
    harness.close().await;
    let end = timeout(SOON, stream.next()).await.expect("the subscription ends");
    assert!(end.is_none());
}

fn open(harness: &dyn ProgressBusHarness) -> Arc<dyn ProgressBus> {
    harness.bus().expect("the bus is open")
}

async fn hear(stream: &mut dyn NewsStream) -> Option<News> {
    match timeout(SOON, stream.next()).await.expect("news is heard")? {
        NewsItem::News(news) => Some(news.as_ref().clone()),
        NewsItem::Lost => panic!("news was lost"),
    }
}

fn news(job_id: JobId, version: u64) -> News {
    let body = EventBody::OutputDelta(OutputDelta { offset: 0, text: "x".to_owned() });
    let trace: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().expect("a trace");
    let entry = LogEntry {
        version,
        time: Timestamp::from_millis(0),
        attempt: 1,
        kind: body.kind().to_owned(),
        data: body.data(),
    };
    News { job_id, events: vec![Event::from_entry(job_id, trace, entry)] }
}
