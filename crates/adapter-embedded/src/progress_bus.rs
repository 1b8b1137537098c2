use std::sync::Arc;

use async_trait::async_trait;
use contracts::News;
use engine::ports::{NewsItem, NewsStream, ProgressBus};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// News kept for a slow subscriber, unless told otherwise. Past that it misses the oldest and is
/// told so.
const NEWS_MAX: usize = 4_096;

/// News within one process. Dropping it ends every subscription.
#[derive(Debug, Clone)]
pub struct InProcessProgressBus {
    sender: broadcast::Sender<Arc<News>>,
}

impl InProcessProgressBus {
    /// A bus that keeps this many news, at least one, for its slowest subscriber.
    #[must_use]
    pub fn with_capacity(news_max: usize) -> Self {
        Self { sender: broadcast::Sender::new(news_max.max(1)) }
    }
}

impl Default for InProcessProgressBus {
    fn default() -> Self {
        Self::with_capacity(NEWS_MAX)
    }
}

#[async_trait]
impl ProgressBus for InProcessProgressBus {
    async fn publish(&self, news: News) {
        // Without a subscriber there is nobody to tell: the log has it.
        let _ = self.sender.send(Arc::new(news));
    }

    async fn subscribe(&self) -> Box<dyn NewsStream> {
        Box::new(Subscription { receiver: self.sender.subscribe() })
    }
}

struct Subscription {
    receiver: broadcast::Receiver<Arc<News>>,
}

#[async_trait]
impl NewsStream for Subscription {
    async fn next(&mut self) -> Option<NewsItem> {
        match self.receiver.recv().await {
            Ok(news) => Some(NewsItem::News(news)),
            Err(RecvError::Lagged(_)) => Some(NewsItem::Lost),
            Err(RecvError::Closed) => None,
        }
    }
}
