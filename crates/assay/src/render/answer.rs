use std::fmt::Write as _;

use contracts::result::Citation;
use contracts::{AnalysisResult, Job};

use super::{plain, problem};

/// An answer with its numbered sources and its confidence.
pub(crate) fn answer(result: &AnalysisResult) -> String {
    let mut text = with_numbers(result);
    text.push_str("\n\nSources\n");
    for (index, source) in result.sources.iter().enumerate() {
        let _ = writeln!(text, "  [{}] {}", index + 1, source.place());
        if let Some(url) = &source.url {
            let _ = writeln!(text, "      {url}");
        }
    }
    let confidence = &result.confidence;
    let _ = write!(
        text,
        "\nConfidence {:.2} ({}): {}",
        confidence.value, confidence.method, confidence.basis
    );
    for gap in &result.gaps {
        let _ = write!(text, "\nMissing: {gap}");
    }
    plain(&text)
}

/// Why there is no answer, and what to do about it.
pub(crate) fn no_answer(job: &Job) -> String {
    let mut text = format!("No answer: the job {} ended as {}.", job.id, job.state);
    if let Some(error) = &job.error {
        let _ = write!(text, "\n{}", problem(error));
    }
    text
}

/// The summary, each cited part followed by the numbers of its sources.
fn with_numbers(result: &AnalysisResult) -> String {
    let number = |citation: &Citation| {
        result.sources.iter().position(|source| source.id == citation.source_id)
    };
    let mut marks: Vec<(usize, usize)> = result
        .citations
        .iter()
        .filter_map(|citation| number(citation).map(|index| (citation.end, index + 1)))
        .collect();
    marks.sort_unstable();
    marks.dedup();
    let mut text = String::new();
    let mut marks = marks.into_iter().peekable();
    let end = result.summary.chars().count();
    for (offset, c) in result.summary.chars().map(Some).chain([None]).enumerate() {
        while let Some((_, number)) = marks.next_if(|(at, _)| *at == offset || offset == end) {
            let _ = write!(text, " [{number}]");
        }
        text.extend(c);
    }
    text
}
