//! Step 2: which passages may hold the answer.

use contracts::result::Source;
use contracts::{DocumentId, SourceId, TenantId, Timestamp, truncate_chars};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::ports::{
    CallContext, RetrievalError, RetrievalQuery, Retrieved, RetrievedPassage, Retriever,
};

/// Passages that are handed to the model, at the most.
pub const PASSAGES_MAX: usize = 8;
/// Unicode scalar values of a passage that its source shows.
pub const EXCERPT_CHARS_MAX: usize = 1_200;

/// Where to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Whose documents.
    pub tenant: TenantId,
    /// About which company.
    pub company_name: String,
    /// The question, as it was asked.
    pub question: String,
    /// In which documents; all of the company's if `None`.
    pub document_ids: Option<Vec<DocumentId>>,
    /// The time now, to date the sources with.
    pub now: Timestamp,
}

/// What was found, with the sources that it is shown as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was found.
    pub retrieved: Retrieved,
    /// Its passages as sources: as many, in the same order.
    pub sources: Vec<Source>,
}

/// Looks up the passages for a plan.
///
/// # Errors
/// What the retriever says.
pub async fn retrieve(
    retriever: &dyn Retriever,
    call: &CallContext,
    scope: Scope,
    plan: &Plan,
) -> Result<Evidence, RetrievalError> {
    let query = RetrievalQuery {
        tenant: scope.tenant,
        company: Some(scope.company_name),
        document_ids: scope.document_ids,
        plan: plan.clone(),
        question: scope.question,
        limit: PASSAGES_MAX,
    };
    let retrieved = retriever.retrieve(call, &query).await?;
    let ranked = retrieved.passages.iter().enumerate();
    let sources = ranked.map(|(index, passage)| source(index + 1, passage, scope.now)).collect();
    Ok(Evidence { retrieved, sources })
}

/// The source that a passage is shown as.
fn source(rank: usize, passage: &RetrievedPassage, retrieved_at: Timestamp) -> Source {
    Source {
        id: SourceId::ranked(rank),
        document_id: passage.document_id,
        title: passage.title.clone(),
        company: passage.company.clone(),
        url: passage.url.clone(),
        page: passage.page,
        excerpt: truncate_chars(&passage.text, EXCERPT_CHARS_MAX).to_owned(),
        retrieved_at,
        content_sha256: passage.content_sha256.clone(),
        score: passage.score,
    }
}
