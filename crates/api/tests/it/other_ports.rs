//! The other ports of the store in memory: its bus, and what the gateway hardly needs.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::{Document, DocumentId, Hint, News, TenantId};
use engine::ports::{
    CorpusChanges, Delivery, DocumentStore, HintQueue, NewDocument, NewsItem, NewsStream,
    ProgressBus, PublishError, QueueClosed, StoreError, Stored,
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
impl DocumentStore for MemoryStore {
    async fn put(&self, _: &TenantId, _: NewDocument) -> Result<Stored, StoreError> {
        not_needed()
    }

    async fn list(
        &self,
        _: &TenantId,
        _: Option<DocumentId>,
        _: usize,
    ) -> Result<Vec<Document>, StoreError> {
        not_needed()
    }

    async fn generation(&self, _: &TenantId) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn changes(&self, _: &TenantId, _: u64, _: usize) -> Result<CorpusChanges, StoreError> {
        not_needed()
    }
}
