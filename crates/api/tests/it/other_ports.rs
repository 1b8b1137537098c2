//! The other ports of the store in memory: its bus, and what the gateway hardly needs.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::{Hint, News, TenantId};
use engine::ports::{
    Corpus, CorpusChanges, CorpusHead, Delivery, HintQueue, NewsItem, NewsStream, ProgressBus,
    PublishError, QueueClosed, SecretStore, StoreError,
};
use tokio::sync::broadcast;

use crate::store::{MemoryStore, not_needed};

#[async_trait]
impl ProgressBus for MemoryStore {
    async fn publish(&self, news: News) {
        self.tell(news);
    }

    async fn subscribe(&self) -> Box<dyn NewsStream> {
        Box::new(Subscription(self.news.subscribe()))
    }
}

struct Subscription(broadcast::Receiver<Arc<News>>);

#[async_trait]
impl NewsStream for Subscription {
    async fn next(&mut self) -> Option<NewsItem> {
        match self.0.recv().await {
            Ok(news) => Some(NewsItem::News(news)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(NewsItem::Lost),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[async_trait]
impl HintQueue for MemoryStore {
    async fn publish(&self, _: Hint) -> Result<(), PublishError> {
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        Err(QueueClosed)
    }
}

#[async_trait]
impl Corpus for MemoryStore {
    async fn head(&self, _: &TenantId) -> Result<CorpusHead, StoreError> {
        Ok(CorpusHead { generation: 0, origin: None })
    }

    async fn changes(&self, _: &TenantId, _: u64, _: usize) -> Result<CorpusChanges, StoreError> {
        not_needed()
    }
}

/// What the store signs tickets with.
pub(crate) const TICKET_KEY: [u8; 32] = [7; 32];

#[async_trait]
impl SecretStore for MemoryStore {
    async fn ticket_key(&self) -> Result<[u8; 32], StoreError> {
        self.check().map(|_| TICKET_KEY)
    }
}
