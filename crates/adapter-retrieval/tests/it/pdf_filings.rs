//! Real filings, read beside what `pdftotext -layout` makes of them.
//!
//! A *number* is digits, with commas and points between digits: `1,577`, `0.25`, `2018`. Signs,
//! parentheses, currencies and percent signs are no part of it. A *table row* is a line of
//! `pdftotext` whose columns, parted by two spaces or more, are a label, with a letter in it, and
//! after that two figures or more, each alone in its column but for the signs above.

use std::collections::HashMap;
use std::fs::{read, read_dir};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use engine::ports::{MediaType, ReadDocument};
use testkit::skip;

/// Names the folder that holds `pdfs`.
const FILINGS: &str = "ASSAY_TEST_FILINGS";
/// Of the numbers on a page, so many are in our text of it.
const NUMBERS_MIN: f64 = 0.95;
/// Of the table rows on a page, so many are lines of ours with the same numbers in order.
const ROWS_MIN: f64 = 0.90;
/// All of them together, in a build that is not optimised.
const READING_MAX: Duration = Duration::from_secs(60);

/// How many of some things were found.
#[derive(Default)]
struct Share {
    found: usize,
    of: usize,
}

impl Share {
    fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.of += other.of;
    }

    fn value(&self) -> f64 {
        self.found as f64 / self.of.max(1) as f64
    }
}

#[test]
fn the_numbers_and_table_rows_of_real_filings_are_read() {
    let Some(pdfs) = std::env::var_os(FILINGS).map(|folder| PathBuf::from(folder).join("pdfs"))
    else {
        return skip(&format!("set {FILINGS}"));
    };
    if Command::new("pdftotext").arg("-v").output().is_err() {
        return skip("pdftotext is not installed");
    }
    let mut paths: Vec<PathBuf> =
        read_dir(pdfs).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let (mut numbers, mut rows, mut reading) = (Share::default(), Share::default(), Duration::ZERO);
    for path in paths {
        let bytes = read(&path).unwrap();
        let begun = Instant::now();
        let document = adapter_retrieval::read(&bytes, MediaType::Pdf).unwrap();
        let took = begun.elapsed();
        let (n, r) = compare(&path, &document);
        report(&path, took, &n, &r);
        numbers.add(&n);
        rows.add(&r);
        reading += took;
    }
    report(Path::new("all"), reading, &numbers, &rows);
    assert!(numbers.value() >= NUMBERS_MIN && rows.value() >= ROWS_MIN);
    assert!(reading < READING_MAX, "{reading:?}");
}

/// The numbers and the rows of a file that are found in our reading of it.
fn compare(path: &Path, document: &ReadDocument) -> (Share, Share) {
    let theirs =
        Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(path).arg("-").output();
    let theirs = String::from_utf8(theirs.unwrap().stdout).unwrap();
    let theirs: Vec<&str> =
        theirs.strip_suffix('\u{c}').unwrap_or(&theirs).split('\u{c}').collect();
    assert_eq!(document.pages.map(|pages| pages as usize), Some(theirs.len()), "{path:?}");
    let (mut numbers, mut rows) = (Share::default(), Share::default());
    for (number, theirs) in (1..).zip(theirs) {
        let ours: Vec<&str> = document
            .passages
            .iter()
            .filter(|passage| passage.page == Some(number))
            .map(|passage| passage.text.as_str())
            .collect();
        let ours = ours.join("\n");
        count(numbers_of(theirs), numbers_of(&ours), &mut numbers);
        count(
            theirs.lines().filter(|line| is_table_row(line)).map(numbers_of),
            ours.lines().map(numbers_of).collect(),
            &mut rows,
        );
    }
    (numbers, rows)
}

/// Counts which of these are among those, each at most as often as it is there.
fn count<T: Hash + Eq>(these: impl IntoIterator<Item = T>, those: Vec<T>, share: &mut Share) {
    let mut there: HashMap<T, usize> = HashMap::new();
    for one in those {
        *there.entry(one).or_default() += 1;
    }
    for one in these {
        share.of += 1;
        if let Some(left) = there.get_mut(&one).filter(|left| **left > 0) {
            *left -= 1;
            share.found += 1;
        }
    }
}

fn numbers_of(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut number = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = matches!(c, ',' | '.')
            && !number.is_empty()
            && chars.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() || inside {
            number.push(c);
        } else if !number.is_empty() {
            numbers.push(std::mem::take(&mut number));
        }
    }
    numbers.extend((!number.is_empty()).then_some(number));
    numbers
}

fn is_table_row(line: &str) -> bool {
    let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    let labelled = columns.by_ref().any(|column| column.contains(char::is_alphabetic));
    labelled && columns.filter(|column| is_figure(column)).count() >= 2
}

fn is_figure(column: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.');
    let bare = column.trim_matches(|c: char| matches!(c, '$' | '(' | ')' | '%' | '-' | ' '));
    bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') && bare.chars().all(digits)
}

#[expect(clippy::print_stdout, reason = "the two figures of each document are the result")]
fn report(path: &Path, took: Duration, numbers: &Share, rows: &Share) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    println!(
        "{name}: numbers {:.2} % of {}, table rows {:.2} % of {}, {:.2} s",
        numbers.value() * 100.0,
        numbers.of,
        rows.value() * 100.0,
        rows.of,
        took.as_secs_f64(),
    );
}
