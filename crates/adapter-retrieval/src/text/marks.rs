//! Marks: what a document's markup says of a line, carried in the line's first character.
//!
//! A mark is one of the noncharacters that Unicode leaves to a program's own use. It is never a
//! part of a passage.

use super::lines::{LineKind, RANK_NOTE, RANKS, plain_kind};

/// Marks a heading, by its rank.
pub(crate) const HEADING: [char; RANKS] =
    ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}', '\u{fdd3}', '\u{fdd4}', '\u{fdd5}'];
/// Marks a row of a table that has two columns or more.
pub(crate) const ROW: char = '\u{fdd6}';
/// Marks such a row that is the head of its table.
pub(crate) const COLUMNS: char = '\u{fdd7}';
/// Marks a line that is no heading, however much it looks like one.
pub(crate) const PROSE: char = '\u{fdd8}';

/// Whether a character is a mark.
pub(crate) fn is_mark(c: char) -> bool {
    (HEADING[0]..=PROSE).contains(&c)
}

/// The kind of a line that may be marked.
pub(super) fn marked_kind(line: &str) -> LineKind {
    let bare = without_mark(line);
    let plain = plain_kind(bare);
    if bare.len() == line.len() {
        return plain;
    }
    match line.chars().next() {
        Some(ROW) => match plain {
            LineKind::Columns => LineKind::Columns,
            // "Item 7." and its title are often set as the two cells of a table.
            LineKind::Heading(rank) if rank <= RANK_NOTE => plain,
            LineKind::Blank | LineKind::Heading(_) | LineKind::Row | LineKind::Prose => {
                LineKind::Row
            }
        },
        // A total is often set in the cells of a head.
        Some(COLUMNS) if plain == LineKind::Row => LineKind::Row,
        Some(COLUMNS) => LineKind::Columns,
        Some(PROSE) => match plain {
            LineKind::Heading(_) => LineKind::Prose,
            LineKind::Blank | LineKind::Columns | LineKind::Row | LineKind::Prose => plain,
        },
        Some(mark) => HEADING.iter().position(|c| *c == mark).map_or(plain, LineKind::Heading),
        None => plain,
    }
}

/// A line without its mark.
pub(super) fn without_mark(line: &str) -> &str {
    line.strip_prefix(is_mark).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, HEADING, PROSE, ROW, marked_kind};
    use crate::text::lines::{LineKind, RANK_ITEM};

    #[test]
    fn a_mark_decides_where_the_words_of_a_line_leave_a_doubt() {
        for (mark, line, kind) in [
            (HEADING[2], "where the growth comes from", LineKind::Heading(2)),
            (ROW, "Name   Title", LineKind::Row),
            (ROW, "December 31,   2018   2017", LineKind::Columns),
            (ROW, "Item 7.   Financial Statements", LineKind::Heading(RANK_ITEM)),
            (COLUMNS, "Name   Title", LineKind::Columns),
            (COLUMNS, "Total   5,363", LineKind::Row),
            (PROSE, "Two Plants Were Closed", LineKind::Prose),
            (PROSE, "Net sales   5,363   4,869", LineKind::Row),
        ] {
            assert_eq!(marked_kind(&format!("{mark}{line}")), kind, "{line:?}");
        }
    }
}
