//! What failed tests said, once more at the end, where it is not lost among the other output.

use std::fmt;

/// Lines that are kept of each test. An assertion on two long values has a few lines.
const LINES_MAX: usize = 20;
/// Characters that are kept of each line.
const LINE_MAX: usize = 400;

/// The failed tests, in the order of their reports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    tests: Vec<Failure>,
    /// Whether the lines that follow are the report of the last test.
    is_reporting: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Failure {
    test: String,
    said: Vec<String>,
}

impl Failures {
    /// Reads a line of what the test harness prints. A report begins with `---- name stdout ----`
    /// and goes on to a backtrace, to the next report or to the list of names, `failures:`.
    pub(super) fn read_line(&mut self, line: &str) {
        if let Some(test) = reported(line) {
            self.tests.push(Failure { test: test.to_owned(), said: Vec::new() });
            self.is_reporting = true;
        } else if ["failures:", "stack backtrace:"].contains(&line) {
            self.is_reporting = false;
        } else if self.is_reporting
            && !line.is_empty()
            && let Some(failure) = self.tests.last_mut()
            && failure.said.len() < LINES_MAX
        {
            failure.said.push(line.chars().take(LINE_MAX).collect());
        }
    }
}

/// The test whose report begins here.
fn reported(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tests.is_empty() {
            return Ok(());
        }
        writeln!(f, "failed")?;
        for Failure { test, said } in &self.tests {
            writeln!(f, "  {test}")?;
            for line in said {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_failed_test_said_is_kept_without_its_backtrace() {
        let mut failures = Failures::default();
        let long = format!("  left: {}", "x".repeat(2 * LINE_MAX));
        for line in [
            "test fleet::a ... FAILED",
            "test fleet::b ... FAILED",
            "",
            "failures:",
            "",
            "---- fleet::a stdout ----",
            "SEED=7",
            "thread 'fleet::a' panicked at a.rs:1:2:",
            &long,
            "stack backtrace:",
            "   0: core::panicking",
            "",
            "---- fleet::b stdout ----",
            "thread 'fleet::b' panicked at b.rs:3:4:",
            "no",
            "",
            "failures:",
            "    fleet::a",
            "    fleet::b",
        ] {
            failures.read_line(line);
        }
        let cut = long.split_at(LINE_MAX).0;
        let said = [
            "failed",
            "  fleet::a",
            "    SEED=7",
            "    thread 'fleet::a' panicked at a.rs:1:2:",
            &format!("    {cut}"),
            "  fleet::b",
            "    thread 'fleet::b' panicked at b.rs:3:4:",
            "    no",
        ];
        assert_eq!(failures.to_string().lines().collect::<Vec<_>>(), said);
    }

    #[test]
    fn nothing_is_said_where_nothing_failed() {
        let mut failures = Failures::default();
        failures.read_line("test a ... ok");
        failures.read_line("an innocent line");
        assert_eq!(failures.to_string(), "");
    }

    #[test]
    fn a_test_that_says_much_is_cut() {
        let mut failures = Failures::default();
        failures.read_line("---- a stdout ----");
        (0..100).for_each(|_| failures.read_line("and"));
        assert_eq!(failures.to_string().lines().count(), 2 + LINES_MAX);
    }
}
