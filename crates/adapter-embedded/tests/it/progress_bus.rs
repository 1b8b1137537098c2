//! What only the bus within one process promises.

use adapter_embedded::InProcessProgressBus;
use contracts::{JobId, News};
use engine::ports::{NewsItem, ProgressBus};

#[tokio::test]
async fn a_subscriber_that_lags_is_told_and_hears_the_rest() {
    let bus = InProcessProgressBus::with_capacity(4);
    let mut slow = bus.subscribe().await;
    let ids: Vec<JobId> = (0..10).map(|_| JobId::new()).collect();
    for &job_id in &ids {
        bus.publish(News { job_id, events: Vec::new() }).await;
    }
    assert!(matches!(slow.next().await, Some(NewsItem::Lost)));
    for expected in &ids[6..] {
        let Some(NewsItem::News(news)) = slow.next().await else { panic!("news was lost") };
        assert_eq!(news.job_id, *expected);
    }
}
