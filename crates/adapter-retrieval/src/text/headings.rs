//! The headings that a line stands under.

use contracts::truncate_chars;
use engine::ports::HEADING_SEPARATOR;

use super::lines::{LineKind, RANK_NOTE, RANKS, Rank, heading_text, markdown_kind, plain_kind};
use super::marks::marked_kind;

/// Of one heading, characters that its path shows.
const HEADING_CHARS_MAX: usize = 120;
/// Lines that tell a table's columns.
const COLUMN_LINES_MAX: usize = 4;
/// A prose line this long ends the table above it: the label of a row may run on, and is shorter.
const TABLE_ENDING_CHARS: usize = 100;

/// Follows a document's lines and knows the headings in force.
#[derive(Debug)]
pub(super) struct Outline {
    kind: fn(&str) -> LineKind,
    /// Headings of this rank and further in end with their page.
    ends_with_page: Rank,
    headings: [Option<String>; RANKS],
    columns: Vec<String>,
    /// Whether the line before told columns too.
    in_columns: bool,
}

impl Outline {
    /// For plain text. Items and notes run over pages; every other heading ends with its page.
    pub(super) fn plain() -> Self {
        Self::new(plain_kind, RANK_NOTE + 1)
    }

    /// For plain text whose lines may be marked; otherwise as [`Self::plain`].
    pub(super) fn marked() -> Self {
        Self::new(marked_kind, RANK_NOTE + 1)
    }

    /// For Markdown.
    pub(super) fn markdown() -> Self {
        Self::new(markdown_kind, RANKS)
    }

    fn new(kind: fn(&str) -> LineKind, ends_with_page: Rank) -> Self {
        let headings = [const { None }; RANKS];
        Self { kind, ends_with_page, headings, columns: Vec::new(), in_columns: false }
    }

    /// What a line is.
    pub(super) fn kind(&self, line: &str) -> LineKind {
        (self.kind)(line)
    }

    /// A page begins.
    pub(super) fn begin_page(&mut self) {
        self.headings[self.ends_with_page..].fill(None);
        self.columns.clear();
    }

    /// Takes the next line.
    pub(super) fn take(&mut self, line: &str, kind: LineKind) {
        match kind {
            LineKind::Heading(rank) => {
                let text = heading_text(line);
                self.headings[rank..].fill(None);
                // A running head says nothing about what stands below it.
                if !text.is_empty() && !text.eq_ignore_ascii_case("table of contents") {
                    let text = truncate_chars(&text, HEADING_CHARS_MAX).to_owned();
                    self.headings[rank] = Some(text);
                }
            }
            LineKind::Columns => {
                if !self.in_columns || self.columns.len() == COLUMN_LINES_MAX {
                    self.columns.clear();
                }
                self.columns.push(truncate_chars(line, HEADING_CHARS_MAX).to_owned());
            }
            LineKind::Prose if line.len() > TABLE_ENDING_CHARS => self.columns.clear(),
            LineKind::Blank => return,
            LineKind::Row | LineKind::Prose => {}
        }
        self.in_columns = kind == LineKind::Columns;
    }

    /// The headings in force, outermost first.
    pub(super) fn path(&self) -> String {
        let headings = self.headings.iter().flatten();
        headings.map(String::as_str).collect::<Vec<_>>().join(HEADING_SEPARATOR)
    }

    /// The lines that name the columns of the table in force.
    pub(super) fn table_head(&self) -> String {
        self.columns.join("\n")
    }
}
