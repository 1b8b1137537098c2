//! Counting tests: what cargo printed, and what the tests themselves say they skipped.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::failures::Failures;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    ok: usize,
    failed: usize,
    ignored: usize,
    skipped_checks: Vec<String>,
    /// Tests that skipped themselves, and why. The test harness takes them for passed.
    skipped_tests: BTreeSet<String>,
    failures: Failures,
}

impl Tally {
    /// Counts the tests of a summary such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`,
    /// and keeps what failed tests said. Other lines count nothing.
    pub(super) fn read_line(&mut self, line: &str) {
        self.failures.read_line(line);
        let Some(summary) = line.strip_prefix("test result: ") else { return };
        let counts = summary.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split("; ") {
            let (number, what) = count.split_once(' ').unwrap_or_default();
            let number: usize = number.parse().unwrap_or(0);
            match what {
                "passed" => self.ok += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Reads which tests skipped themselves. No file means none.
    pub(super) fn read_skips(&mut self, file: &Path) -> anyhow::Result<()> {
        let lines = match fs::read_to_string(file) {
            Ok(lines) => lines,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("which tests were skipped"),
        };
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        self.skipped_tests.extend(lines.map(str::to_owned));
        Ok(())
    }

    pub(super) fn skip_check(&mut self, line: String) {
        self.skipped_checks.push(line);
    }

    /// Counts a check that failed, unless it is the tests, which were counted one by one.
    pub(super) fn fail_check(&mut self) {
        self.failed = self.failed.max(1);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, failed, ignored, skipped_checks, skipped_tests, failures } = self;
        write!(f, "{failures}")?;
        let skipped = ignored + skipped_checks.len() + skipped_tests.len();
        if skipped > 0 {
            writeln!(f, "skipped")?;
        }
        for line in skipped_checks.iter().chain(skipped_tests) {
            writeln!(f, "  {line}")?;
        }
        if *ignored > 0 {
            writeln!(f, "  {ignored} tests are marked #[ignore]")?;
        }
        let passed = ok.saturating_sub(skipped_tests.len());
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read_line(line));
        tally
    }

    #[test]
    fn summaries_are_summed_and_other_lines_are_not() {
        let tally = read(&[
            "running 4 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
             finished in 0.01s",
            "7 passed",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in 0.01s",
        ]);
        assert!(tally.to_string().ends_with("\n5 passed, 1 failed, 1 skipped\n"), "{tally}");
    }

    #[test]
    fn a_test_that_skipped_itself_is_not_counted_as_passed_and_its_reason_is_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "filings: there are none here\n\nfilings: there are none here\n")
            .unwrap();
        let mut tally = read(&["test result: ok. 3 passed; 0 failed; 0 ignored"]);
        tally.read_skips(file.path()).unwrap();
        tally.skip_check("deny: not installed".to_owned());
        assert_eq!(
            tally.to_string(),
            "skipped\n  deny: not installed\n  filings: there are none here\n\
             2 passed, 0 failed, 2 skipped\n"
        );
    }

    #[test]
    fn a_checkout_without_skipped_tests_says_nothing_of_them() {
        let mut tally = read(&["test result: ok. 3 passed; 0 failed; 0 ignored"]);
        tally.read_skips(Path::new("/nowhere/at/all")).unwrap();
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn a_failed_check_shows_in_the_last_line() {
        let mut tally = Tally::default();
        tally.fail_check();
        assert_eq!(tally.to_string(), "0 passed, 1 failed, 0 skipped\n");
    }
}
