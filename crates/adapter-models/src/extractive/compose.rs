//! The answer as text: each unit on its own line, a row below the lines that explain it.

use std::ops::Range;

use engine::ports::{PassageCitation, RetrievedPassage, Synthesis};

use super::line::{LineKind, lines};
use super::score::Candidate;
use super::unit::{Unit, UnitKind};

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
        match known {
            Some(part) => {
                let is_new = |group: &Range<usize>| !part.lines.contains(group);
                let group = group.filter(is_new);
                part.lines.extend(group.into_iter().chain([place]));
            }
            None => {
                let lines = group.into_iter().chain([place]).collect();
                parts.push(Part { passage, kind, lines });
            }
        }
    }
    parts
}

/// Writes a part at the end of the answer, every line with its citation.
pub(super) fn append(part: &Part, passages: &[RetrievedPassage], synthesis: &mut Synthesis) {
    let passage = &passages[part.passage];
    let above = match &part.kind {
        PartKind::Sentence => Vec::new(),
        PartKind::Table { head } => {
            let own = head.iter().map(|place| &passage.text[place.clone()]);
            headings(passage, head).into_iter().chain(own).collect()
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

/// The end of what stands over a passage: the last line that names more than a period, and the
/// periods below it where the table itself has none.
fn headings<'a>(passage: &'a RetrievedPassage, head: &[Range<usize>]) -> Vec<&'a str> {
    let is_period = |heading: &&str| {
        let lines = lines(heading);
        lines.iter().all(|line| matches!(line.kind, LineKind::Head | LineKind::Blank))
    };
    let above = passage.above();
    let innermost_first = || above.iter().rev().map(|line| line.trim());
    let mut headings: Vec<&str> =
        innermost_first().take_while(is_period).filter(|_| head.is_empty()).collect();
    headings.extend(innermost_first().skip_while(is_period).take(1));
    headings.retain(|heading| heading.contains(char::is_alphanumeric));
    headings.reverse();
    headings
}

/// The words of a quote with the ends of lines as spaces: a sentence may run over several lines of
/// its page. The columns of a row keep their distance.
fn on_one_line(quote: &str) -> String {
    if !quote.contains(['\n', '\r']) {
        return quote.to_owned();
    }
    quote.split_whitespace().collect::<Vec<_>>().join(" ")
}
