use std::sync::Arc;

use async_trait::async_trait;
use contracts::News;

/// Tells every gateway what was committed. It may lose any of it: readers repair from the log.
#[async_trait]
pub trait ProgressBus: Send + Sync {
    /// Sends news to every subscriber. Never waits for a slow one and never fails: news that
    /// cannot be sent is dropped.
    async fn publish(&self, news: News);

    /// Everything published from now on, in order per publisher, with losses told where the bus
    /// knows of them.
    async fn subscribe(&self) -> Box<dyn NewsStream>;
}

/// One subscriber's view of the bus.
#[async_trait]
pub trait NewsStream: Send {
    /// Waits for the next item. `None` once the bus is shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses no item.
    async fn next(&mut self) -> Option<NewsItem>;
}

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum NewsItem {
    /// Events of one job.
    News(Arc<News>),
    /// Something was dropped, for any jobs: look at the log.
    Lost,
}
