use async_trait::async_trait;
use contracts::{Document, DocumentId, TenantId};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// What a tenant's documents say, as an index follows it.
///
/// The documents that are `ready` have one *generation*: a number that grows by 1 with every change
/// of them. An index that has seen a generation has seen every change up to it.
#[async_trait]
pub trait Corpus: Send + Sync {
    /// How far a tenant's documents have come.
    async fn head(&self, tenant: &TenantId) -> Result<CorpusHead, StoreError>;

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

/// How far a tenant's documents have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorpusHead {
    /// The newest generation; 0 while there never was a document.
    pub generation: u64,
    /// The document that generation 1 came with, also when it has gone since: it tells two stores
    /// apart.
    pub origin: Option<DocumentId>,
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
    /// A document became ready.
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

/// Parts two headings of a passage.
pub const HEADING_SEPARATOR: &str = " › ";

/// A piece of a document that is found and cited as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The page it stands on, from 1.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first, joined by [`HEADING_SEPARATOR`]; empty if
    /// there are none.
    pub heading: String,
    /// The lines that name the columns of the table it begins in, from the top; empty if it begins
    /// in none.
    pub table_head: String,
    /// Its text, verbatim from the cleaned page.
    pub text: String,
}
