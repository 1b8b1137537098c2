use async_trait::async_trait;
use contracts::{Document, DocumentId, TenantId};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The documents that answers are drawn from, cut into passages.
///
/// A tenant's documents have one *generation*: a number that grows by 1 with every change of them.
/// An index that has seen a generation has seen every change up to it.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Stores a document with its passages, in one transaction; every job started afterwards sees
    /// it. The same bytes for the same company (see [`crate::company_key`]) are stored once.
    async fn put(&self, tenant: &TenantId, new: NewDocument) -> Result<Stored, StoreError>;

    /// A tenant's documents in the order in which they were stored, at most `limit` after `after`;
    /// none after a document that the tenant never had.
    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError>;

    /// A tenant's generation; 0 while it never had a document.
    async fn generation(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// What changed after generation `after`, in order, at most `limit` changes (at least one).
    ///
    /// An `after` beyond the newest generation gives no changes and the true head: whoever asked
    /// was built from another store, and must start over.
    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<CorpusChanges, StoreError>;
}

/// A document to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// Its id, if it is stored.
    pub id: DocumentId,
    /// The company that it is about, as it was given.
    pub company: String,
    /// Its title.
    pub title: String,
    /// Where it was published.
    pub url: Option<String>,
    /// When it was published: a calendar date, `2026-11-22`.
    pub published_on: Option<String>,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub content_sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its pages.
    pub pages: Option<u32>,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
}

/// Parts two headings of a passage.
pub const HEADING_SEPARATOR: &str = " › ";

/// A piece of a document that is found and cited as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The page it stands on, from 1.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first, joined by
    /// [`HEADING_SEPARATOR`]; empty if there are none.
    pub heading: String,
    /// The lines that name the columns of the table it begins in, from the top; empty if it begins
    /// in none.
    pub table_head: String,
    /// Its text, verbatim from the cleaned page.
    pub text: String,
}

/// What became of a document that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The document: the new one, or the one that has the same bytes.
    pub document: Document,
    /// Whether it is new.
    pub created: bool,
}

/// A step from one generation to a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusChanges {
    /// The changes, in order of their generations.
    pub changes: Vec<CorpusChange>,
    /// The generation reached by them.
    pub generation: u64,
    /// The tenant's newest generation.
    pub head: u64,
}

/// One change of a tenant's documents.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is the large one")]
pub enum CorpusChange {
    /// A document came.
    Added(StoredDocument),
    /// A document went.
    Removed(DocumentId),
}

/// A document with its passages.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDocument {
    /// The document.
    pub document: Document,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
}
