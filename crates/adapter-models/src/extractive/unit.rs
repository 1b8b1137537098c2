//! What an answer is made of: sentences and table rows, verbatim.

use std::ops::Range;

use super::line::{Line, LineKind, lines};
use super::sentence::{ends_sentence, sentences};

/// Units that are taken from one passage, at the most.
const UNITS_PER_PASSAGE_MAX: usize = 500;
/// The longest unit in bytes; longer ones are no answer that anybody reads.
const UNIT_BYTES_MAX: usize = 1_200;
/// Lines above a row in which its columns' head is looked for.
const LINES_ABOVE_MAX: usize = 60;
/// Lines that head one table, at the most.
const HEAD_LINES_MAX: usize = 3;

/// A sentence or a table row of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The passage: an index into the request's passages.
    pub(super) passage: usize,
    /// Its place in the passage's text.
    pub(crate) place: Range<usize>,
    /// What it is.
    pub(super) kind: UnitKind,
}

/// What a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UnitKind {
    /// Running text.
    Sentence,
    /// A label with figures, and the lines that say what they are, from top to bottom.
    Row {
        /// The periods and units of the columns.
        head: Vec<Range<usize>>,
        /// The label of the group of rows that this one belongs to.
        group: Option<Range<usize>>,
    },
}

/// The units of a passage, in order.
pub(crate) fn units(passage: usize, text: &str) -> Vec<Unit> {
    let lines = lines(text);
    let mut units = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for index in 0..lines.len() {
        let line = &lines[index];
        let begun = open.take();
        if is_running_text(text, &lines, index, begun.as_ref()) {
            let (finished, begun) = match begun {
                Some(begun) if begins_anew(text, &lines, index) => (Some(begun), None),
                begun => (None, begun),
            };
            units.extend(finished.into_iter().flat_map(|block| prose(passage, text, block)));
            let start = begun.map_or(line.place.start, |begun| begun.start);
            open = Some(start..line.place.end);
            continue;
        }
        units.extend(begun.into_iter().flat_map(|block| prose(passage, text, block)));
        if line.kind == LineKind::Row {
            let above = &lines[..index];
            let kind = UnitKind::Row { head: head(above), group: group(text, above) };
            units.push(Unit { passage, place: line.place.clone(), kind });
        }
    }
    units.extend(open.into_iter().flat_map(|block| prose(passage, text, block)));
    units.retain(|unit| unit.place.len() <= UNIT_BYTES_MAX);
    units.truncate(UNITS_PER_PASSAGE_MAX);
    units
}

/// Whether a line belongs to running text. One that looks like a head or a title does if a
/// sentence has begun before it and no row follows.
fn is_running_text(text: &str, lines: &[Line], index: usize, begun: Option<&Range<usize>>) -> bool {
    let ends = |block: &Range<usize>| text[block.clone()].ends_with(['.', ':', '!', '?', ';']);
    match lines[index].kind {
        LineKind::Prose => true,
        LineKind::Head | LineKind::Label => {
            let next = lines[index + 1..].iter().find(|line| line.kind != LineKind::Blank);
            let is_over_rows =
                next.is_some_and(|line| matches!(line.kind, LineKind::Row | LineKind::Head));
            begun.is_some_and(|block| !ends(block)) && !is_over_rows
        }
        LineKind::Blank | LineKind::Row => false,
    }
}

/// Whether a line of running text begins a block of its own: a point of a list, or the text below
/// a short line that ends no sentence.
fn begins_anew(text: &str, lines: &[Line], index: usize) -> bool {
    const SHORT_CHARS: usize = 60;
    let line = &text[lines[index].place.clone()];
    let before = &text[lines[index - 1].place.clone()];
    let is_point = line.starts_with(['•', '*', '●', '▪']) || line.starts_with("- ");
    let (length, length_before) = (line.chars().count(), before.chars().count());
    let is_below_title = length_before < SHORT_CHARS
        && length > length_before + length_before / 2
        && before.ends_with(char::is_alphanumeric)
        && line.starts_with(char::is_uppercase);
    is_point || is_below_title || before.ends_with(':')
}

/// The sentences of a block of running text, without the marks of lists. A few words without a
/// figure and without an end are a title that stands alone, and say nothing.
fn prose(passage: usize, text: &str, block: Range<usize>) -> Vec<Unit> {
    let found = sentences(text, block).into_iter().map(|place| {
        let bare = text[place.clone()].trim_start_matches(|c: char| {
            c.is_whitespace() || ['•', '*', '●', '▪', '-', '>'].contains(&c)
        });
        place.end - bare.len()..place.end
    });
    found
        .filter(|place| says_something(&text[place.clone()]))
        .map(|place| Unit { passage, place, kind: UnitKind::Sentence })
        .collect()
}

fn says_something(sentence: &str) -> bool {
    const TITLE_WORDS_MAX: usize = 8;
    sentence.contains(char::is_alphanumeric)
        && (ends_sentence(sentence)
            || sentence.contains(|c: char| c.is_ascii_digit())
            || sentence.split_whitespace().count() > TITLE_WORDS_MAX)
}

/// The lines over the columns of a row, from top to bottom: the nearest ones above it, unless
/// running text comes between.
fn head(above: &[Line]) -> Vec<Range<usize>> {
    let reachable = above.iter().rev().take(LINES_ABOVE_MAX);
    let table = reachable.take_while(|line| line.kind != LineKind::Prose);
    let from_nearest = table.skip_while(|line| line.kind != LineKind::Head);
    let written = from_nearest.filter(|line| line.kind != LineKind::Blank);
    let mut head: Vec<Range<usize>> = written
        .take_while(|line| line.kind == LineKind::Head)
        .take(HEAD_LINES_MAX)
        .map(|line| line.place.clone())
        .collect();
    head.reverse();
    head
}

/// The label above a row that ends with a colon, if only rows stand between.
fn group(text: &str, above: &[Line]) -> Option<Range<usize>> {
    let reachable = above.iter().rev().take(LINES_ABOVE_MAX);
    let mut others =
        reachable.skip_while(|line| matches!(line.kind, LineKind::Row | LineKind::Blank));
    let nearest = others.next().filter(|line| line.kind == LineKind::Label)?;
    text[nearest.place.clone()].ends_with(':').then(|| nearest.place.clone())
}

#[cfg(test)]
mod tests {
    use super::{Unit, UnitKind, units};

    const TABLE: &str = "Cash paid for plants rose.\n\nYears ended December 31\n(Millions)  2018  2017\n\
        Cash flows from investing:\nPurchases of PP&E  (1,577)  (1,373)\nOther  1  2\n";

    fn texts<'a>(text: &'a str, units: &[Unit]) -> Vec<&'a str> {
        units.iter().map(|unit| &text[unit.place.clone()]).collect()
    }

    #[test]
    fn a_row_knows_the_head_of_its_columns_and_its_group() {
        let found = units(3, TABLE);
        assert_eq!(
            texts(TABLE, &found),
            ["Cash paid for plants rose.", "Purchases of PP&E  (1,577)  (1,373)", "Other  1  2"]
        );
        let UnitKind::Row { head, group } = &found[2].kind else { panic!("a row") };
        let head: Vec<&str> = head.iter().map(|place| &TABLE[place.clone()]).collect();
        assert_eq!(head, ["Years ended December 31", "(Millions)  2018  2017"]);
        let group = group.clone().map(|place| &TABLE[place]);
        assert_eq!(group, Some("Cash flows from investing:"));
    }

    #[test]
    fn a_sentence_goes_on_over_the_end_of_a_line() {
        let text = "Human capital\nThe company had 5 people in the\nyear ended December 31, 2018 and\n\
            6 before. They work.\n• One point.\n• Point 2";
        assert_eq!(
            texts(text, &units(0, text)),
            [
                "The company had 5 people in the\nyear ended December 31, 2018 and\n6 before.",
                "They work.",
                "One point.",
                "Point 2",
            ]
        );
    }
}
