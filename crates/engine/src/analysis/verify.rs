//! Step 5: whether the answer holds.

use contracts::AnalysisResult;
use contracts::result::Source;

use super::Plan;
use crate::ports::{RetrievedPassage, Synthesis};

/// Why an answer is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The passages do not hold enough to answer from.
    #[error("{0}")]
    InsufficientEvidence(String),
    /// The answer says what its sources do not.
    #[error("{0}")]
    Invalid(String),
}

/// What verification looks at.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was asked.
    pub plan: &'a Plan,
    /// The passages that the model saw.
    pub passages: &'a [RetrievedPassage],
    /// The same passages as they are shown: as many, in the same order.
    pub sources: &'a [Source],
    /// What the model wrote.
    pub synthesis: &'a Synthesis,
    /// The model's name.
    pub model: &'a str,
}

/// Checks an answer, and says how far it can be relied on.
///
/// # Errors
/// [`Unverified`] if a citation does not resolve, a number has no source, or there is too little
/// to answer from.
pub fn verify(answer: &Answer<'_>) -> Result<AnalysisResult, Unverified> {
    let _ = answer;
    Err(Unverified::InsufficientEvidence("not verified".to_owned()))
}
