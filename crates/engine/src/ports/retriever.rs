use async_trait::async_trait;
use contracts::{Code, DocumentId, TenantId};
use serde::{Deserialize, Serialize};

use super::corpus::HEADING_SEPARATOR;
use super::{CallContext, StoreError};
use crate::analysis::Plan;
use crate::error_class::ErrorClass;

/// Finds the passages that may hold an answer.
#[async_trait]
pub trait Retriever: Send + Sync {
    /// The best passages for a plan, best first, each at most once.
    ///
    /// It has seen every document that was stored before the call, and sees no other tenant's:
    /// the tenant is part of the index query, not a filter on its answer.
    async fn retrieve(
        &self,
        call: &CallContext,
        query: &RetrievalQuery,
    ) -> Result<Retrieved, RetrievalError>;
}

/// What to look for, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrievalQuery {
    /// Whose documents.
    pub tenant: TenantId,
    /// About which company; any if `None`. Names are compared by [`crate::company_key`].
    pub company: Option<String>,
    /// In which documents; all if `None`.
    pub document_ids: Option<Vec<DocumentId>>,
    /// The question, as it was asked.
    pub question: String,
    /// What it asks for.
    pub plan: Plan,
    /// Passages at the most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retrieved {
    /// The generation of the tenant's documents that was searched.
    pub generation: u64,
    /// How many documents the query's filters leave to search.
    pub documents: usize,
    /// The passages, best first.
    pub passages: Vec<RetrievedPassage>,
}

/// A passage with its place and its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievedPassage {
    /// The document.
    pub document_id: DocumentId,
    /// The document's title.
    pub title: String,
    /// The company that the document is about, as it was given.
    pub company: String,
    /// Where the document was published.
    pub url: Option<String>,
    /// SHA-256 of the document's bytes, as 64 hexadecimal digits.
    pub content_sha256: String,
    /// The page, from 1.
    pub page: Option<u32>,
    /// The headings it stands under, outermost first, joined by [`HEADING_SEPARATOR`].
    pub heading: String,
    /// The lines that name the columns of the table it begins in, from the top.
    #[serde(default)]
    pub table_head: String,
    /// Its text, verbatim.
    pub text: String,
    /// Higher is better, comparable within one answer only.
    pub score: f64,
}

impl RetrievedPassage {
    /// What stands over its text, outermost first: headings, and lines that name columns.
    #[must_use]
    pub fn above(&self) -> Vec<&str> {
        let headings = self.heading.split(HEADING_SEPARATOR).filter(|heading| !heading.is_empty());
        headings.chain(self.table_head.lines()).collect()
    }

    /// Whether these words stand in its text or in one line over it, verbatim.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        self.text.contains(words) || self.above().iter().any(|line| line.contains(words))
    }
}

/// Why nothing could be looked up.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// The documents could not be read.
    #[error("the documents cannot be read")]
    Store(#[from] StoreError),
    /// The index does not work.
    #[error("the index does not work")]
    Index(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A failure that a test asked for.
    #[error("scripted failure: {0:?}")]
    Scripted(ErrorClass),
}

impl RetrievalError {
    /// What the retry policy reads.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))
            | Self::Index(_) => ErrorClass::Transient { retry_after: None },
            Self::Store(StoreError::Rejected(_)) => ErrorClass::Bug,
            Self::Scripted(class) => *class,
        }
    }

    /// What the client reads.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Store(_) | Self::Index(_) | Self::Scripted(_) => Code::SourceUnreachable,
        }
    }
}
