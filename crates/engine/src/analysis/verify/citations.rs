//! Whether citations resolve.

use std::collections::BTreeSet;

use contracts::result::{Citation, Source};

use super::{CITATIONS_MAX, Unverified};
use crate::ports::{RetrievedPassage, Synthesis};

/// Refuses an answer with a citation that does not resolve, or with none.
pub(super) fn check(
    synthesis: &Synthesis,
    passages: &[RetrievedPassage],
) -> Result<(), Unverified> {
    let citations = &synthesis.citations;
    if citations.is_empty() {
        return Err(invalid("the answer cites nothing"));
    }
    if citations.len() > CITATIONS_MAX {
        let count = citations.len();
        return Err(invalid(format!("{count} citations; at most {CITATIONS_MAX} are taken")));
    }
    let length = synthesis.text.chars().count();
    for (index, citation) in citations.iter().enumerate() {
        let number = index + 1;
        let (start, end) = (citation.start, citation.end);
        if start >= end || end > length {
            return Err(invalid(format!(
                "citation {number} covers {start}..{end} of an answer of {length} characters"
            )));
        }
        let Some(passage) = passages.get(citation.passage) else {
            return Err(invalid(format!("citation {number} names a passage that was not given")));
        };
        // An empty quote stands in every text and carries nothing.
        let quote = citation.quote.as_str();
        if quote.trim().is_empty() || !passage.says(quote) {
            return Err(invalid(format!("the words of citation {number} are not in its passage")));
        }
    }
    Ok(())
}

/// The cited passages, best first. An index may be cited often and is listed once.
pub(super) fn cited_passages(synthesis: &Synthesis) -> BTreeSet<usize> {
    synthesis.citations.iter().map(|citation| citation.passage).collect()
}

/// The citations as a result shows them: in order of the summary, each once.
pub(super) fn shown(
    synthesis: &Synthesis,
    sources: &[Source],
) -> Result<Vec<Citation>, Unverified> {
    let mut shown = Vec::with_capacity(synthesis.citations.len());
    for citation in &synthesis.citations {
        let source = sources
            .get(citation.passage)
            .ok_or_else(|| invalid("a cited passage is not among the sources"))?;
        let (start, end) = (citation.start, citation.end);
        shown.push(Citation { start, end, source_id: source.id.clone() });
    }
    shown.sort_by(|a, b| (a.start, a.end, &a.source_id).cmp(&(b.start, b.end, &b.source_id)));
    shown.dedup();
    Ok(shown)
}

fn invalid(detail: impl Into<String>) -> Unverified {
    Unverified::Invalid(detail.into())
}
