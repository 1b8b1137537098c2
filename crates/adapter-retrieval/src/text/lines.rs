//! What kind of line a line is.

use super::clean::COLUMN_GAP;

/// The kind of a cleaned line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// Nothing.
    Blank,
    /// A heading; a smaller rank stands further out.
    Heading(Rank),
    /// What the columns of a table are: periods, or the unit of its figures.
    Columns,
    /// A row of a table.
    Row,
    /// Anything else.
    Prose,
}

/// How far out a heading stands, from 0.
pub(super) type Rank = usize;

/// "PART II", "Item 7."
pub(super) const RANK_ITEM: Rank = 0;
/// "Note 5."
pub(super) const RANK_NOTE: Rank = 1;
/// "Consolidated Balance Sheets"
pub(super) const RANK_STATEMENT: Rank = 2;
/// "ASSETS"
pub(super) const RANK_UPPER: Rank = 3;
/// "Cash Flows from Operating Activities"
pub(super) const RANK_TITLE: Rank = 4;
/// One more than the largest rank.
pub(super) const RANKS: usize = 6;

const HEADING_CHARS_MAX: usize = 110;
const HEADING_WORDS_MAX: usize = 14;
const COLUMNS_CHARS_MAX: usize = 200;
/// The longest line that is looked at closely: the kinds above are short, and looking takes time.
const LINE_BYTES_MAX: usize = 2_000;

/// The kind of a line of plain text.
pub(super) fn plain_kind(line: &str) -> LineKind {
    if line.is_empty() {
        return LineKind::Blank;
    }
    if line.len() > LINE_BYTES_MAX {
        return LineKind::Prose;
    }
    if is_columns(line) {
        return LineKind::Columns;
    }
    if is_row(line) {
        return LineKind::Row;
    }
    heading_rank(line).map_or(LineKind::Prose, LineKind::Heading)
}

/// The kind of a line of Markdown.
pub(super) fn markdown_kind(line: &str) -> LineKind {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    match level {
        _ if line.is_empty() => LineKind::Blank,
        1..=RANKS if line[level..].starts_with(' ') => LineKind::Heading(level - 1),
        _ if line.starts_with('|') || line.len() <= LINE_BYTES_MAX && is_row(line) => LineKind::Row,
        _ => LineKind::Prose,
    }
}

/// The text of a heading, without what marks it as one.
pub(super) fn heading_text(line: &str) -> String {
    let bare = line.trim_start_matches('#').trim();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a word is a figure as statements print it: `1,577`, `$(42)`, `5.1%`, `—`.
pub(super) fn is_figure(word: &str) -> bool {
    let bare = word.trim_matches(|c| matches!(c, '$' | '€' | '£' | '¥' | '(' | ')' | '%' | '*'));
    if matches!(bare, "—" | "–" | "-" | "--") {
        return true;
    }
    let bare = bare.trim_start_matches(['-', '–', '−']);
    bare.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && bare.ends_with(|c: char| c.is_ascii_digit())
        && bare.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'))
}

/// Whether a word is a year of our time.
pub(super) fn is_year(word: &str) -> bool {
    word.len() == 4
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && (word.starts_with("19") || word.starts_with("20"))
}

/// A row has a column that is a figure, or ends in two of them.
fn is_row(line: &str) -> bool {
    if line.contains(COLUMN_GAP) {
        return line.split(COLUMN_GAP).skip(1).any(begins_with_figure);
    }
    let mut last = line.rsplit(' ');
    let two = (last.next(), last.next());
    matches!(two, (Some(last), Some(before)) if is_figure(last) && is_figure(before))
        && line.chars().any(char::is_alphabetic)
        || is_figure(line) && !is_year(line)
}

fn begins_with_figure(cell: &str) -> bool {
    cell.trim().split(' ').next().is_some_and(is_figure)
}

/// The head of a table's columns names periods and units, and holds no other figure.
fn is_columns(line: &str) -> bool {
    const UNITS: [&str; 4] = ["million", "thousand", "billion", "except per share"];
    const PERIODS: [&str; 11] = [
        "year ended",
        "years ended",
        "months ended",
        "quarter ended",
        "quarters ended",
        "weeks ended",
        "ended december",
        "ended june",
        "fiscal year",
        "as of",
        "december 31",
    ];
    if line.len() > COLUMNS_CHARS_MAX {
        return false;
    }
    let lower = line.to_lowercase();
    let mut years = 0;
    let mut figures = 0;
    let mut words = 0;
    for word in lower.split_whitespace().map(|word| word.trim_matches([',', ':', ';', '.'])) {
        words += 1;
        if is_year(word) {
            years += 1;
        } else if is_figure(word) && word.len() > 2 {
            figures += 1;
        }
    }
    let unit = lower.starts_with('(') && UNITS.iter().any(|unit| lower.contains(unit));
    let unit = unit
        || lower.starts_with("in ") && words <= 8 && UNITS.iter().any(|unit| lower.contains(unit));
    let period = PERIODS.iter().any(|period| lower.contains(period)) && words <= 16;
    let ends_sentence = line.ends_with('.') && words > 6;
    figures == 0
        && !ends_sentence
        && (unit || years >= 2 && words <= 3 * years + 8 || period && words <= 8)
}

/// The rank of a heading; `None` if the line is none.
fn heading_rank(line: &str) -> Option<Rank> {
    if line.len() > HEADING_CHARS_MAX || line.ends_with([',', ';', '-']) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let first = words.first()?.to_lowercase();
    let numbered = words.get(1).is_some_and(|word| {
        word.starts_with(|c: char| c.is_ascii_digit()) || word.chars().all(|c| "IVX.".contains(c))
    });
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    if words.len() > HEADING_WORDS_MAX || letters < 3 {
        return None;
    }
    // "Note 5 for more detail" is a line of a sentence.
    let titled = words.get(2).is_none_or(|word| !word.starts_with(char::is_lowercase));
    match first.as_str() {
        "item" | "part" if numbered && titled => return Some(RANK_ITEM),
        "note" if numbered && titled => return Some(RANK_NOTE),
        _ => {}
    }
    if line.ends_with(['.', ':']) || !line.starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let upper = line.chars().filter(|c| c.is_uppercase()).count();
    let all_upper = upper * 10 >= letters * 9;
    if !all_upper && !is_title_case(&words) {
        return None;
    }
    if names_statement(line) {
        return Some(RANK_STATEMENT);
    }
    Some(if all_upper { RANK_UPPER } else { RANK_TITLE })
}

/// Whether a line holds the title of a financial statement. Text taken from a PDF often has spaces
/// inside its words.
fn names_statement(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
    let squeezed: String = letters.collect();
    [
        "statementof",
        "statementsof",
        "balancesheet",
        "incomestatement",
        "cashflowsstatement",
        "equitystatement",
    ]
    .iter()
    .any(|title| squeezed.contains(title))
}

/// Every word of weight begins with a capital or a digit. A single letter is a piece that was torn
/// off the word before it.
fn is_title_case(words: &[&str]) -> bool {
    const LIGHT: [&str; 16] = [
        "a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to",
        "with", "per",
    ];
    let heavy = |word: &&&str| {
        !LIGHT.contains(word) && word.len() > 1 && word.chars().any(char::is_alphabetic)
    };
    let mut heavies = words.iter().filter(heavy).peekable();
    heavies.peek().is_some()
        && heavies.all(|word| {
            word.chars()
                .find(|c| c.is_alphanumeric())
                .is_some_and(|c| c.is_uppercase() || c.is_numeric())
        })
}

#[cfg(test)]
mod tests {
    use super::{
        LineKind, RANK_ITEM, RANK_NOTE, RANK_STATEMENT, RANK_TITLE, RANK_UPPER, markdown_kind,
        plain_kind,
    };

    #[test]
    fn lines_of_filings_are_told_apart() {
        for (line, kind) in [
            ("Item 7. Management’s Discussion and Analysis", LineKind::Heading(RANK_ITEM)),
            ("PART II", LineKind::Heading(RANK_ITEM)),
            ("NOTE 5. Goodwill", LineKind::Heading(RANK_NOTE)),
            ("Consolidated Statement of Cash Flows", LineKind::Heading(RANK_STATEMENT)),
            ("Consolidated Statement of Cash Flow s", LineKind::Heading(RANK_STATEMENT)),
            ("CASH FLOWS STATEMENTS", LineKind::Heading(RANK_STATEMENT)),
            ("CURRENT ASSETS", LineKind::Heading(RANK_UPPER)),
            ("Cash Flows from Operating Activities", LineKind::Heading(RANK_TITLE)),
            ("Years ended December 31", LineKind::Columns),
            ("(Millions)   2018   2017   2016", LineKind::Columns),
            ("December 31,   2017   2016", LineKind::Columns),
            ("(In millions except par value)", LineKind::Columns),
            (
                "Purchases of property, plant and equipment (PP&E)   (1,577)   (1,373)",
                LineKind::Row,
            ),
            ("Swaps   $—   (1,098)", LineKind::Row),
            ("Net sales 32,765 31,657", LineKind::Row),
            ("Item 1. Business   3", LineKind::Row),
            ("Note 12 for more detail of these debt issuances.", LineKind::Prose),
            ("The company paid dividends in 2018 and 2017.", LineKind::Prose),
            ("opinion on the Company’s internal control based on our audit.", LineKind::Prose),
        ] {
            assert_eq!(plain_kind(line), kind, "{line:?}");
        }
    }

    #[test]
    fn markdown_marks_its_headings_and_rows() {
        for (line, kind) in [
            ("# Annual report", LineKind::Heading(0)),
            ("### Cash", LineKind::Heading(2)),
            ("#hashtag", LineKind::Prose),
            ("| Revenue | 5 |", LineKind::Row),
            ("Total Revenue", LineKind::Prose),
        ] {
            assert_eq!(markdown_kind(line), kind, "{line:?}");
        }
    }
}
