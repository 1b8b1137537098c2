//! A document as a client sees it.

use serde::{Deserialize, Serialize};

use crate::ids::DocumentId;
use crate::problem::Problem;
use crate::time::Timestamp;

/// A document that answers are drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Whether it can be used.
    pub state: DocumentState,
    /// The company that it is about, as it was given.
    pub company: String,
    /// Its title.
    pub title: String,
    /// Where it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was published: a calendar date, `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_on: Option<String>,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub content_sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its pages; absent for a document without pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// Whether a document can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Accepted, not read yet.
    Pending,
    /// Every job started from now on sees it.
    Ready,
    /// It could not be read.
    Failed,
}
