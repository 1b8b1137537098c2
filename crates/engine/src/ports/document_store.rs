use std::time::Duration;

use async_trait::async_trait;
use contracts::{Document, DocumentId, Problem, TenantId, TraceContext};

use super::StoreError;
use super::document_reader::{MediaType, ReadDocument};

/// The documents that were taken in, from their acceptance to their end.
///
/// A document is `pending` until it was read, and then `ready` or `failed`. Who reads it holds it
/// under a lease and an *epoch* that grows with every claim: what an older epoch writes is refused.
/// What may happen to it is decided by [`crate::reading::Reading`].
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Accepts a document with its bytes, durably.
    ///
    /// The same bytes for the same company (see [`crate::company_key`]) are one document of a
    /// tenant: the one that is known comes back as it is. One that had failed is `pending` again
    /// under its id, as it is described now, as if it had never been tried.
    async fn accept(&self, tenant: &TenantId, new: NewDocument) -> Result<Document, StoreError>;

    /// A tenant's document.
    async fn get(&self, tenant: &TenantId, id: DocumentId) -> Result<Option<Document>, StoreError>;

    /// A tenant's documents in the order of their ids, which is about that of their acceptance; at
    /// most `limit` after `after`.
    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError>;

    /// Takes a pending document that nobody holds, for `lease` from now; `None` if there is none.
    ///
    /// Tenants with fewer documents in hand come first, then older documents.
    async fn claim(&self, lease: Duration) -> Result<Option<ClaimedDocument>, StoreError>;

    /// Extends a lease to `lease` from now. `false` if the document is not held any more.
    async fn renew(&self, hold: DocumentHold, lease: Duration) -> Result<bool, StoreError>;

    /// Gives a document back unread, with no crash counted. Without effect if it is not held any
    /// more.
    async fn release(&self, hold: DocumentHold) -> Result<(), StoreError>;

    /// Ends the reading of a document. What was read is stored in the same transaction that makes
    /// it `ready` and raises the tenant's generation by 1: every job started afterwards sees it.
    /// Its bytes are dropped. `None` if it is not held any more.
    async fn finish(
        &self,
        hold: DocumentHold,
        outcome: ReadOutcome,
    ) -> Result<Option<Document>, StoreError>;

    /// Brings at most `limit` documents that nobody moves any more to their fate: those whose lease
    /// passed, and those whose time is over. Says how many there were.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError>;
}

/// A document to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// Its id, if it is new.
    pub id: DocumentId,
    /// The company that it is about, as it was given.
    pub company: String,
    /// Its title.
    pub title: String,
    /// Where it was published.
    pub url: Option<String>,
    /// When it was published: a calendar date, `2026-11-22`.
    pub published_on: Option<String>,
    /// How to read it.
    pub media_type: MediaType,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub content_sha256: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The trace that it came in.
    pub trace: TraceContext,
}

/// The right to read a document: until its lease passes, or somebody else claims it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentHold {
    /// The document.
    pub id: DocumentId,
    /// Which claim of it this is.
    pub epoch: u64,
}

/// A document that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDocument {
    /// The right to read it.
    pub hold: DocumentHold,
    /// How to read it.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The trace that it came in.
    pub trace: TraceContext,
    /// What is left of its time, however often it changes hands.
    pub left: Duration,
}

/// How the reading of a document ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOutcome {
    /// It was read.
    Read(ReadDocument),
    /// It cannot be used.
    Failed(Problem),
}
