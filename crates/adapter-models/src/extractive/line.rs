//! What a line of a passage is: a row of a table, the head of its columns, a label, or prose.

use std::ops::Range;

/// The longest line, in characters, that heads columns or labels rows.
const HEAD_CHARS_MAX: usize = 120;
/// The most words that a line over columns has, figures left out.
const HEAD_WORDS_MAX: usize = 16;

/// Words of lines that say which periods or units columns have.
const PERIOD_WORDS: [&str; 26] = [
    "year",
    "years",
    "month",
    "months",
    "week",
    "weeks",
    "quarter",
    "quarters",
    "ended",
    "ending",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "thousands",
    "millions",
    "billions",
    "fiscal",
];

/// A line of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its place in the passage, without the white space around it.
    pub(super) place: Range<usize>,
    /// What it is.
    pub(super) kind: LineKind,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// Nothing that can be read.
    Blank,
    /// A label and its figures.
    Row,
    /// The periods or units of the columns below it.
    Head,
    /// A title, or a label without figures.
    Label,
    /// Running text.
    Prose,
}

/// The lines of a text, in order.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    for raw in text.split('\n') {
        let line = raw.trim();
        let start = at + (raw.len() - raw.trim_start().len());
        lines.push(Line { place: start..start + line.len(), kind: kind(line) });
        at += raw.len() + 1;
    }
    lines
}

/// Whether a word is a figure: digits with separators, perhaps in brackets and with a currency or
/// per cent sign; or a dash, which stands for nothing in a table.
pub(super) fn is_figure(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| "$€£¥()%+−".contains(c) || c.is_whitespace());
    let digits = bare.strip_prefix('-').unwrap_or(bare);
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || ",.".contains(c));
    number || ["—", "–", "-"].contains(&bare)
}

/// Whether a word is a calendar year.
pub(super) fn is_year(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = bare.strip_prefix("FY").unwrap_or(bare);
    digits.len() == 4
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.starts_with("19") || digits.starts_with("20"))
}

fn kind(line: &str) -> LineKind {
    if !line.contains(char::is_alphanumeric) {
        return LineKind::Blank;
    }
    if line.starts_with('#') {
        return LineKind::Label;
    }
    let cells = cells(line);
    let (label, figures) = label_and_figures(&cells);
    let over_years = label.is_none_or(|label| label.starts_with('(') || cells.len() > 2)
        && cells.iter().filter(|cell| is_figure(cell)).all(|cell| is_year(cell))
        && cells.iter().any(|cell| is_year(cell));
    let is_short = line.chars().count() <= HEAD_CHARS_MAX;
    let ends_sentence = line.ends_with(['.', ';', '?', '!']);
    if is_short && !ends_sentence && (over_years || is_head(line)) {
        return LineKind::Head;
    }
    if label.is_some() && figures > 0 {
        return LineKind::Row;
    }
    if is_short && (line.ends_with(':') || (!ends_sentence && is_title(line))) {
        return LineKind::Label;
    }
    LineKind::Prose
}

/// The columns of a line: what runs of two or more spaces, tabs or vertical bars part. Where
/// there are none, two or more figures at the end are columns of their own.
fn cells(line: &str) -> Vec<&str> {
    let wide = line
        .split(['\t', '|'])
        .flat_map(|part| part.split("  "))
        .map(str::trim)
        .filter(|cell| !cell.is_empty());
    let cells: Vec<&str> = wide.collect();
    if cells.len() > 1 {
        return cells;
    }
    let mut rest = line;
    let mut figures = Vec::new();
    while let Some((before, word)) = rest.rsplit_once(' ') {
        if !is_figure(word) && word != "$" {
            break;
        }
        figures.push(word);
        rest = before.trim_end();
    }
    if figures.iter().filter(|word| is_figure(word)).count() < 2 {
        return vec![line];
    }
    figures.push(rest);
    figures.reverse();
    figures
}

/// The first cell, if it is a label, and how many of the others are figures. A line with more
/// words than figures after its label is no row.
fn label_and_figures<'a>(cells: &[&'a str]) -> (Option<&'a str>, usize) {
    let Some((label, others)) = cells.split_first() else { return (None, 0) };
    let label = Some(*label).filter(|label| label.contains(char::is_alphabetic));
    let has_digit = |cell: &&&str| cell.contains(|c: char| c.is_ascii_digit());
    let figures = others.iter().filter(|cell| is_figure(cell));
    let with_digits = figures.clone().filter(has_digit).count();
    let words = others.iter().filter(|cell| cell.contains(char::is_alphabetic)).count();
    let is_row = with_digits > 0 && figures.count() >= words;
    (label, if is_row { with_digits } else { 0 })
}

/// Whether a line names periods or units, and holds no figure besides years and days.
fn is_head(line: &str) -> bool {
    let words = line.split(|c: char| c.is_whitespace() || "|()$,".contains(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut names_period = false;
    let mut others = 0;
    for word in &words {
        let lower = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if is_year(word) || PERIOD_WORDS.contains(&lower.as_str()) {
            names_period = true;
        } else if lower.parse::<u32>().is_ok_and(|day| (1..=53).contains(&day)) {
            // A day of a date, or a number of weeks.
        } else if word.contains(|c: char| c.is_ascii_digit()) {
            return false;
        } else {
            others += 1;
        }
    }
    let is_remark = line.starts_with('(') && line.ends_with(')');
    names_period && (is_remark || others * 2 <= words.len()) && words.len() <= HEAD_WORDS_MAX
}

/// Whether a line reads like a title: few words, the first and most of the long ones capitalised.
fn is_title(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let long = words.iter().filter(|word| word.chars().count() > 3);
    let capital = |word: &&&str| word.starts_with(|c: char| !c.is_lowercase());
    let starts_well = line.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    words.len() <= HEAD_WORDS_MAX
        && starts_well
        && long.clone().filter(capital).count() * 3 >= long.count() * 2
        && !line.contains([',', '.'])
}

#[cfg(test)]
mod tests {
    use super::{LineKind, kind};

    #[test]
    fn a_line_is_known_by_its_form() {
        for (line, expected) in [
            ("Purchases of property, plant and equipment (PP&E)  (1,577)  (1,373)", LineKind::Row),
            ("Net sales  $  32,765  $  31,657", LineKind::Row),
            ("Net sales $ 32,765 $ 31,657", LineKind::Row),
            ("| Employees | 93,516 |", LineKind::Row),
            ("Effective tax rate  23.4 %  36.8 %", LineKind::Row),
            ("Acquisitions  —  (2,023)", LineKind::Row),
            ("(Millions)  2018  2017  2016", LineKind::Head),
            ("| (in millions of US dollars) | 2023 | 2022 |", LineKind::Head),
            ("2023 2022 2021", LineKind::Head),
            ("Years ended December 31", LineKind::Head),
            ("52 weeks ended January 28, 2023", LineKind::Head),
            ("(In millions, except per share amounts)", LineKind::Head),
            ("Cash Flows from Investing Activities:", LineKind::Label),
            ("Research and Development", LineKind::Label),
            ("## Capital spending", LineKind::Label),
            ("|---|---|", LineKind::Blank),
            ("", LineKind::Blank),
            ("The Company spent $1.6 billion in 2018 on its plants.", LineKind::Prose),
            ("increased by 5 percent in the United States, driven by volume", LineKind::Prose),
        ] {
            assert_eq!(kind(line), expected, "{line:?}");
        }
    }
}
