//! Documents in PostgreSQL, and what they say.

mod corpus;
mod fate;
mod finish;
mod intake;
mod row;

use std::time::Duration;

use async_trait::async_trait;
use contracts::{Document, DocumentId, TenantId};
use engine::ports::{
    ClaimedDocument, Corpus, CorpusChanges, CorpusHead, DocumentHold, DocumentStore, NewDocument,
    ReadOutcome, StoreError,
};

use crate::store::Store;

#[async_trait]
impl DocumentStore for Store {
    async fn accept(&self, tenant: &TenantId, new: NewDocument) -> Result<Document, StoreError> {
        intake::accept(self.database(), tenant, &new).await
    }

    async fn get(&self, tenant: &TenantId, id: DocumentId) -> Result<Option<Document>, StoreError> {
        Ok(row::get(self.database(), tenant, id).await?)
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        Ok(row::list(self.database(), tenant, after, limit).await?)
    }

    async fn claim(&self, lease: Duration) -> Result<Option<ClaimedDocument>, StoreError> {
        Ok(intake::claim(self.database(), lease).await?)
    }

    async fn renew(&self, hold: DocumentHold, lease: Duration) -> Result<bool, StoreError> {
        Ok(intake::renew(self.database(), hold, lease).await?)
    }

    async fn release(&self, hold: DocumentHold) -> Result<(), StoreError> {
        Ok(intake::release(self.database(), hold).await?)
    }

    async fn finish(
        &self,
        hold: DocumentHold,
        outcome: ReadOutcome,
    ) -> Result<Option<Document>, StoreError> {
        finish::finish(self.database(), hold, &outcome).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(fate::sweep(self.database(), limit).await?)
    }
}

#[async_trait]
impl Corpus for Store {
    async fn head(&self, tenant: &TenantId) -> Result<CorpusHead, StoreError> {
        Ok(corpus::head(self.database(), tenant).await?)
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<CorpusChanges, StoreError> {
        Ok(corpus::changes(self.database(), tenant, after, limit.max(1)).await?)
    }
}
