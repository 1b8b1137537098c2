//! The answer of a succeeded job.

use serde::{Deserialize, Serialize};

use crate::ids::{DocumentId, SourceId};
use crate::time::Timestamp;

/// The answer to a question, with everything it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AnalysisResult {
    /// The answer, in plain text.
    pub summary: String,
    /// Which part of the summary rests on which source.
    pub citations: Vec<Citation>,
    /// The sources, best first. Each has a `source.retrieved` event in the job's log.
    pub sources: Vec<Source>,
    /// How far the answer can be relied on.
    pub confidence: Confidence,
    /// Whether every step did its work.
    pub completeness: Completeness,
    /// What is missing from a partial answer.
    pub gaps: Vec<String>,
    /// The model that wrote the summary.
    pub model: String,
}

/// A part of the summary and the source it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Citation {
    /// Where the part begins: an offset in Unicode scalar values into the summary.
    pub start: usize,
    /// Where it ends, exclusive: an offset in Unicode scalar values into the summary.
    pub end: usize,
    /// The source.
    pub source_id: SourceId,
}

/// A passage of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// Its name within this job.
    pub id: SourceId,
    /// The document it is from.
    pub document_id: DocumentId,
    /// The document's title.
    pub title: String,
    /// The company that the document is about.
    pub company: String,
    /// Where the document was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The page, from 1; absent for a document without pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Words that stand in the document, on that page, verbatim.
    pub excerpt: String,
    /// When it was found.
    pub retrieved_at: Timestamp,
    /// SHA-256 of the document's bytes, as 64 hexadecimal digits.
    pub content_sha256: String,
    /// The retriever's score; higher is better, comparable within one job only.
    pub score: f64,
}

impl Source {
    /// Where it stands, in words: company, title and page. A title that begins with the company's
    /// name names it once.
    #[must_use]
    pub fn place(&self) -> String {
        let Self { company, title, .. } = self;
        let mut place = title.clone();
        if !title.starts_with(company) {
            place = format!("{company}, {title}");
        }
        match self.page {
            Some(page) => format!("{place}, page {page}"),
            None => place,
        }
    }
}

/// How far an answer can be relied on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Confidence {
    /// 0 to 1.
    pub value: f64,
    /// The name of the method that computed the value.
    pub method: String,
    /// What the method saw, in words.
    pub basis: String,
}

/// Whether every step of the workflow did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Yes.
    Complete,
    /// No: `gaps` says what is missing.
    Partial,
}

/// What a job that ended with an error leaves behind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartialResult {
    /// The steps that were finished.
    pub completed_steps: Vec<String>,
    /// The sources found so far.
    pub sources: Vec<Source>,
    /// The text that was written before the end, unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
}

/// A succeeded job as `?view=simple` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SimpleResult {
    /// The answer, in plain text.
    pub summary: String,
    /// Each source's document and page, in words.
    pub sources: Vec<String>,
    /// 0 to 1.
    pub confidence: f64,
}
