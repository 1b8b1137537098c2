//! Step 5: whether the answer holds.

mod citations;
mod confidence;
mod excerpt;
mod numbers;
mod support;

use contracts::AnalysisResult;
use contracts::result::{Completeness, Source};

use super::Plan;
use crate::ports::{RetrievedPassage, Synthesis, SynthesisRequest, ToolExchange};
use support::Support;

/// Citations of one answer, at the most: a result is stored and shown as a whole.
pub const CITATIONS_MAX: usize = 1_000;

/// The share of the question's terms that the cited passages must speak of. Below it they are
/// about something else, however well they are quoted. It is low because a plan also names words
/// that a true answer need not repeat.
pub const TERM_COVERAGE_MIN: f64 = 0.25;

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
    /// The company that was asked about, as the client wrote it.
    pub company_name: &'a str,
    /// The question, as the client wrote it.
    pub question: &'a str,
    /// What was asked.
    pub plan: &'a Plan,
    /// How many documents could be searched.
    pub documents: usize,
    /// The passages that the model saw.
    pub passages: &'a [RetrievedPassage],
    /// The same passages as they are shown: as many, in the same order.
    pub sources: &'a [Source],
    /// What tools were asked, and answered.
    pub tool_calls: &'a [ToolExchange],
    /// What the model wrote.
    pub synthesis: &'a Synthesis,
    /// The model's name.
    pub model: &'a str,
}

/// Checks an answer, and says how far it can be relied on.
///
/// An accepted answer has at least one citation; each points at a part of the summary and rests on
/// words that stand verbatim in its passage or the passage's heading; and every number of the
/// summary stands in a cited passage or heading, in a tool's answer, in the question, the plan or
/// the company's name. What a model told a tool itself is not sourced by hearing it back.
///
/// The result lists the cited sources alone, in order of rank and with the ids under which they
/// were retrieved. The excerpt of each contains the first quote from it (the quote's beginning,
/// if it is longer than an excerpt), and may be another part of the passage than the
/// `source.retrieved` event shows.
///
/// Every step did its work, so the result is complete; a term of the question that no cited
/// passage speaks of is named in `gaps` all the same.
///
/// # Errors
/// [`Unverified::InsufficientEvidence`] if there is nothing to answer from, or the cited passages
/// speak of fewer than [`TERM_COVERAGE_MIN`] of the question's terms; [`Unverified::Invalid`] if a
/// citation does not resolve or a number has no source.
pub fn verify(answer: &Answer<'_>) -> Result<AnalysisResult, Unverified> {
    let synthesis = answer.synthesis;
    if synthesis.text.trim().is_empty() {
        return Err(Unverified::InsufficientEvidence(support::nothing_found(answer)));
    }
    citations::check(synthesis, answer.passages)?;
    let cited = citations::cited_passages(synthesis);
    numbers::check(answer, &cited)?;
    let support = Support::of(answer, &cited);
    if support.passage_coverage().is_some_and(|share| share < TERM_COVERAGE_MIN) {
        return Err(Unverified::InsufficientEvidence(support::off_topic(answer, &support)));
    }
    let shown = cited.iter().filter_map(|index| {
        let (passage, source) = (answer.passages.get(*index)?, answer.sources.get(*index)?);
        Some(excerpt::around_first_quote(source, passage, *index, &synthesis.citations))
    });
    Ok(AnalysisResult {
        summary: synthesis.text.clone(),
        citations: citations::shown(synthesis, answer.sources)?,
        sources: shown.collect(),
        confidence: confidence::confidence(answer, &cited, &support),
        completeness: Completeness::Complete,
        gaps: support.gap().into_iter().collect(),
        model: answer.model.to_owned(),
    })
}

/// Checks what a model can be asked to mend at once: whether the citations of its answer resolve,
/// and its numbers have sources. [`verify()`] checks the same, and more.
///
/// # Errors
/// [`Unverified::Invalid`].
pub fn check(request: &SynthesisRequest<'_>, synthesis: &Synthesis) -> Result<(), Unverified> {
    citations::check(synthesis, request.passages)?;
    let answer = Answer {
        company_name: request.company_name,
        question: request.question,
        plan: request.plan,
        documents: 0,
        passages: request.passages,
        sources: &[],
        tool_calls: request.tool_calls,
        synthesis,
        model: "",
    };
    numbers::check(&answer, &citations::cited_passages(synthesis))
}

#[cfg(test)]
mod tests;
