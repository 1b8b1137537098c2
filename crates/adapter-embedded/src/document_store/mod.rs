//! Documents in SQLite, and what they say.

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

pub(crate) use fate::recover;

#[async_trait]
impl DocumentStore for Store {
    async fn accept(&self, tenant: &TenantId, new: NewDocument) -> Result<Document, StoreError> {
        let tenant = tenant.clone();
        self.writer().write(move |tx| intake::accept(tx, &tenant, &new)).await
    }

    async fn get(&self, tenant: &TenantId, id: DocumentId) -> Result<Option<Document>, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| row::get(connection, &tenant, id)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| row::list(connection, &tenant, after, limit)).await
    }

    async fn claim(&self, lease: Duration) -> Result<Option<ClaimedDocument>, StoreError> {
        self.writer().write(move |tx| intake::claim(tx, lease)).await
    }

    async fn renew(&self, hold: DocumentHold, lease: Duration) -> Result<bool, StoreError> {
        self.writer().write(move |tx| intake::renew(tx, hold, lease)).await
    }

    async fn release(&self, hold: DocumentHold) -> Result<(), StoreError> {
        self.writer().write(move |tx| intake::release(tx, hold)).await
    }

    async fn finish(
        &self,
        hold: DocumentHold,
        outcome: ReadOutcome,
    ) -> Result<Option<Document>, StoreError> {
        self.writer().write(move |tx| finish::finish(tx, hold, &outcome)).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.writer().write(move |tx| fate::sweep(tx, limit)).await
    }
}

#[async_trait]
impl Corpus for Store {
    async fn head(&self, tenant: &TenantId) -> Result<CorpusHead, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| corpus::head(connection, &tenant)).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<CorpusChanges, StoreError> {
        let tenant = tenant.clone();
        let limit = limit.max(1);
        let changes = move |connection: &_| corpus::changes(connection, &tenant, after, limit);
        self.readers().read(changes).await
    }
}
