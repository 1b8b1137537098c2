//! The answer as text: each unit on its own line, a row below the lines that explain it.

use std::ops::Range;

use engine::ports::{PassageCitation, RetrievedPassage, Synthesis};

use super::line::{LineKind, lines};
use super::score::Candidate;
use super::unit::{Unit, UnitKind};

/// Between two headings of a passage's path.
const HEADING_SEPARATOR: &str = " › ";
/// A row with no more words than this is shown with the label of its group: "Diluted" alone does
/// not say of what.
const TERSE_WORDS: usize = 3;

/// What is written at once: a sentence, or rows of one table below their head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    passage: usize,
    kind: PartKind,
    lines: Vec<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PartKind {
    Sentence,
    Table { head: Vec<Range<usize>> },
}

/// Puts the chosen units together, best first. Rows below one head become one part.
pub(super) fn parts(chosen: Vec<Candidate>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for Candidate { unit, words, .. } in chosen {
        let Unit { passage, place, kind } = unit;
        let (kind, group) = match kind {
            UnitKind::Sentence => {
                parts.push(Part { passage, kind: PartKind::Sentence, lines: vec![place] });
                continue;
            }
            UnitKind::Row { head, group } => (PartKind::Table { head }, group),
        };
        let label = words.iter().filter(|word| word.contains(char::is_alphabetic)).count();
        let group = group.filter(|_| label <= TERSE_WORDS);
        let known = parts.iter_mut().find(|part| part.passage == passage && part.kind == kind);
        let lines = group.into_iter().chain([place]);
        match known {
            Some(part) => part.lines.extend(lines),
            None => parts.push(Part { passage, kind, lines: lines.collect() }),
        }
    }
    parts
}

/// Writes a part at the end of the answer, every line with its citation.
pub(super) fn append(part: &Part, passages: &[RetrievedPassage], synthesis: &mut Synthesis) {
    let passage = &passages[part.passage];
    let heading = innermost(&passage.heading);
    let above = match &part.kind {
        PartKind::Sentence => Vec::new(),
        PartKind::Table { head } => {
            let head = head.iter().map(|place| &passage.text[place.clone()]);
            heading.into_iter().chain(head).collect()
        }
    };
    let own = part.lines.iter().map(|place| &passage.text[place.clone()]);
    for quote in above.into_iter().chain(own) {
        if !synthesis.text.is_empty() {
            synthesis.text.push('\n');
        }
        let start = synthesis.text.chars().count();
        synthesis.text.push_str(&on_one_line(quote));
        let end = synthesis.text.chars().count();
        let quote = quote.to_owned();
        synthesis.citations.push(PassageCitation { start, end, passage: part.passage, quote });
    }
}

/// The end of a path of headings: the last one, with the one before it if the last one only names
/// a period.
fn innermost(path: &str) -> Option<&str> {
    let mut starts = path.rmatch_indices(HEADING_SEPARATOR);
    let after = |at: usize| &path[at + HEADING_SEPARATOR.len()..];
    let last = starts.next().map_or(path, |(at, _)| after(at));
    let is_period = lines(last).iter().any(|line| line.kind == LineKind::Head);
    let heading = if is_period { starts.next().map_or(path, |(at, _)| after(at)) } else { last };
    Some(heading.trim()).filter(|heading| heading.contains(char::is_alphanumeric))
}

/// The words of a quote with the ends of lines as spaces: a sentence may run over several lines of
/// its page. The columns of a row keep their distance.
fn on_one_line(quote: &str) -> String {
    if !quote.contains(['\n', '\r']) {
        return quote.to_owned();
    }
    quote.split_whitespace().collect::<Vec<_>>().join(" ")
}
