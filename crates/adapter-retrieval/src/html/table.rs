//! The rows of a table, as lines.

use crate::text::clean::COLUMN_GAP;
use crate::text::marks;

use super::element::Head;
use super::writer::{Gap, PAGE_END, Position, Writer};

/// A cell with a longer text holds a part of the page: the table lays the page out.
const CELL_CHARS_MAX: usize = 300;
/// The longest text of a cell that is repeated in each row that it spans.
const REPEATED_CHARS_MAX: usize = 120;
/// Cells of a table that span rows at a time; further ones are not repeated.
const SPANS_MAX: usize = 64;

/// Cells of a row; one with more goes on as another row, so that memory stays bounded.
const CELLS_MAX: usize = 4_096;

/// A table that is open.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) head: Head,
    row: Option<Row>,
    cell: Option<OpenCell>,
    /// What rows to come have from rows before, by column.
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Row {
    position: Position,
    cells: Vec<Cell>,
}

/// A cell's text is a part of what the writer has written.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    kind: CellKind,
}

/// What the tags say of a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellKind {
    pub(super) head: Head,
    pub(super) colspan: u32,
    pub(super) rowspan: u32,
}

#[derive(Debug)]
struct OpenCell {
    start: usize,
    outer: usize,
    kind: CellKind,
}

#[derive(Debug)]
struct Span {
    column: u32,
    width: u32,
    rows_left: u32,
    text: Box<str>,
}

/// Bytes that are still to be repeated in a document; what is more stands in its first row alone.
#[derive(Debug)]
pub(super) struct RepeatBudget(pub(super) usize);

impl Table {
    pub(super) fn new() -> Self {
        Self { head: Head::No, row: None, cell: None, spans: Vec::new() }
    }

    pub(super) fn has_open_cell(&self) -> bool {
        self.cell.is_some()
    }

    /// Whether the row takes no further cell.
    pub(super) fn row_is_full(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.cells.len() >= CELLS_MAX)
    }

    pub(super) fn begin_row(&mut self, writer: &mut Writer) {
        writer.part(Gap::Line);
        self.row = Some(Row { position: writer.pause(), cells: Vec::new() });
    }

    pub(super) fn begin_cell(&mut self, kind: CellKind, writer: &mut Writer) {
        if self.row.is_none() {
            self.begin_row(writer);
        }
        let outer = writer.enter();
        self.cell = Some(OpenCell { start: writer.position().offset, outer, kind });
    }

    pub(super) fn end_cell(&mut self, writer: &mut Writer) {
        let Some(cell) = self.cell.take() else { return };
        writer.leave(cell.outer);
        // What was written in it may have been forgotten again.
        let end = writer.position().offset.max(cell.start);
        if let Some(row) = &mut self.row {
            row.cells.push(Cell { start: cell.start, end, kind: cell.kind });
        }
    }

    /// Forgets the cells that were written since, but for their columns.
    pub(super) fn forget(&mut self, since: Position) {
        if let Some(cell) = &mut self.cell {
            cell.start = cell.start.min(since.offset);
        }
        for cell in self.row.iter_mut().flat_map(|row| &mut row.cells) {
            cell.start = cell.start.min(since.offset);
            cell.end = cell.end.min(since.offset);
        }
    }

    /// Ends the row: its cells become a line, or what they hold if they are parts of a page.
    pub(super) fn end_row(&mut self, writer: &mut Writer, budget: &mut RepeatBudget) {
        self.end_cell(writer);
        let Some(row) = self.row.take() else { return };
        let page_ends = writer.position().gap == Gap::Page;
        let written = writer.since(row.position);
        let text = |cell: &Cell| {
            let offset = row.position.offset;
            &written[cell.start.max(offset) - offset..cell.end.max(offset) - offset]
        };
        let is_head = self.head == Head::Yes
            || row.cells.iter().all(|cell| cell.kind.head == Head::Yes || text(cell).is_empty());
        let own: Vec<(&str, CellKind)> = row.cells.iter().map(|c| (text(c), c.kind)).collect();
        let lines = if own.iter().any(|(text, _)| !text.is_empty()) {
            compose(&self.merge(&own, budget), is_head)
        } else {
            String::new()
        };
        writer.rewind(row.position);
        if !lines.is_empty() {
            writer.lines(&lines);
        }
        if page_ends {
            writer.part(Gap::Page);
        }
    }

    /// The texts of a row by column: its own, and those that span it.
    fn merge<'a>(
        &mut self,
        own: &[(&'a str, CellKind)],
        budget: &mut RepeatBudget,
    ) -> Vec<Text<'a>> {
        let mut texts = Vec::with_capacity(own.len());
        let mut spans = std::mem::take(&mut self.spans).into_iter().peekable();
        let mut kept = Vec::new();
        let mut column = 0_u32;
        let mut repeat = |mut span: Span, column: &mut u32, texts: &mut Vec<Text<'a>>| {
            *column = (*column).max(span.column.saturating_add(span.width));
            span.rows_left -= 1;
            if span.text.len() <= budget.0 {
                budget.0 -= span.text.len();
                texts.push(Text::Repeated(span.text.clone()));
            }
            (span.rows_left > 0).then_some(span)
        };
        for (text, kind) in own {
            while let Some(span) = spans.next_if(|span| span.column <= column) {
                kept.extend(repeat(span, &mut column, &mut texts));
            }
            texts.push(Text::Own(text));
            let repeats = kind.rowspan > 1 && is_short_line(text) && kept.len() < SPANS_MAX;
            if repeats {
                let text = unmarked(text).into_boxed_str();
                kept.push(Span { column, width: kind.colspan, rows_left: kind.rowspan - 1, text });
            }
            column = column.saturating_add(kind.colspan);
        }
        for span in spans {
            kept.extend(repeat(span, &mut column, &mut texts));
        }
        kept.sort_by_key(|span| span.column);
        kept.truncate(SPANS_MAX);
        self.spans = kept;
        texts
    }
}

/// The text of a cell.
#[derive(Debug)]
enum Text<'a> {
    Own(&'a str),
    Repeated(Box<str>),
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Repeated(text) => text,
        }
    }
}

/// The lines of a row.
fn compose(texts: &[Text<'_>], is_head: bool) -> String {
    let own: Vec<&str> = texts
        .iter()
        .filter_map(|text| match text {
            Text::Own(text) if !text.is_empty() => Some(*text),
            Text::Own(_) | Text::Repeated(_) => None,
        })
        .collect();
    let all: Vec<&str> = texts.iter().map(AsRef::as_ref).filter(|text| !text.is_empty()).collect();
    if all.len() == 1 {
        return own[0].to_owned();
    }
    let long = own.iter().filter(|text| text.len() > CELL_CHARS_MAX).count();
    if long > 1 || own.iter().any(|text| is_part_of_page(text)) {
        return own.join("\n\n");
    }
    if let [mark, text] = all[..]
        && is_list_mark(mark)
        && text.chars().any(char::is_alphabetic)
    {
        return format!("{}{} {}", marks::PROSE, unmarked(mark), unmarked(text));
    }
    let mark = if is_head { marks::COLUMNS } else { marks::ROW };
    if let Some(stacked) = stacked(&all, mark) {
        return stacked;
    }
    line(mark, all.iter().map(|text| unmarked(text)))
}

fn line(mark: char, columns: impl Iterator<Item = String>) -> String {
    let columns: Vec<String> = columns.collect();
    format!("{mark}{}", columns.join(COLUMN_GAP))
}

/// A cell's text in one line, without marks.
fn unmarked(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !marks::is_mark(*c)).collect();
    bare.split('\n').filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Old filings set a whole table in one row, each column in one cell with a line break after
/// each figure.
fn stacked(texts: &[&str], mark: char) -> Option<String> {
    let (label, columns) = texts.split_first()?;
    let rows = label.split('\n').count();
    let is_column = |text: &&str| {
        let figure =
            |line: &str| line.starts_with(|c: char| c.is_ascii_digit() || "$€£¥(—–-".contains(c));
        text.split('\n').count() == rows && text.split('\n').all(figure)
    };
    if rows < 2 || !columns.iter().all(is_column) {
        return None;
    }
    let mut lines: Vec<_> = texts.iter().map(|text| text.split('\n')).collect();
    let row = |_| line(mark, lines.iter_mut().filter_map(Iterator::next).map(unmarked));
    Some((0..rows).map(row).collect::<Vec<_>>().join("\n"))
}

fn is_part_of_page(text: &str) -> bool {
    let marked = text.chars().any(|c| marks::HEADING.contains(&c));
    let has_rows = || text.contains([marks::ROW, marks::COLUMNS]);
    text.contains(PAGE_END)
        || marked
        || text.contains('\n') && (text.len() > CELL_CHARS_MAX || has_rows())
}

/// "•", "(a)", "1."
fn is_list_mark(text: &str) -> bool {
    let short = text.chars().count() <= 4;
    let bullet = !text.contains(char::is_alphanumeric) && !text.contains(['$', '€', '—', '–', '-']);
    let numbered = text.contains(char::is_alphanumeric) && text.ends_with([')', '.']);
    short && (bullet || numbered)
}

fn is_short_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= REPEATED_CHARS_MAX && !text.contains(['\n', PAGE_END])
}
