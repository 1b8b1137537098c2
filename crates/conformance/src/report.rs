//! What the kit says at the end.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::fault::{Breach, Checked, Fault};

/// What became of every check, in the order of the table of checks.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The servers that were asked.
    pub servers: Vec<String>,
    /// Whether the servers answer with the scripted model, so that slow and failing jobs could be
    /// asked for.
    pub scripted_model: bool,
    /// What became of each check.
    pub checks: Vec<Outcome>,
}

/// What became of one check.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Its name: subject and rule.
    pub name: &'static str,
    /// The promise that it proves.
    pub promise: &'static str,
    /// Whether the promise was kept.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What it took.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub took: Duration,
}

/// Whether a promise was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was.
    Kept,
    /// It was not: the kit found a breach.
    Broken(Breach),
    /// This server cannot be asked.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

impl Report {
    /// Whether some promise was broken.
    #[must_use]
    pub fn has_breach(&self) -> bool {
        self.checks.iter().any(|outcome| matches!(outcome.verdict, Verdict::Broken(_)))
    }
}

impl Verdict {
    /// The verdict in a word or two.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Broken(_) => "BROKEN",
            Self::NotApplicable { .. } => "not applicable",
        }
    }
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Kept,
            Err(Fault::Breach(breach)) => Self::Broken(breach),
            Err(Fault::NotApplicable(reason)) => Self::NotApplicable { reason },
        }
    }
}

/// The table: a line a check, the evidence of a breach below it, the sum at the end.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name_width = self.checks.iter().map(|outcome| outcome.name.len()).max().unwrap_or(0);
        for Outcome { name, promise, verdict, took } in &self.checks {
            let seconds = took.as_secs_f64();
            writeln!(
                f,
                "{:<14}  {name:<name_width$}  {seconds:>6.2} s  {promise}",
                verdict.as_str()
            )?;
            match verdict {
                Verdict::Kept => {}
                Verdict::Broken(Breach { seen, expected }) => {
                    writeln!(f, "    seen:     {}", plain(seen))?;
                    writeln!(f, "    expected: {}", plain(expected))?;
                }
                Verdict::NotApplicable { reason } => {
                    writeln!(f, "    {}", plain(reason))?;
                }
            }
        }
        let count = |word: &str| {
            self.checks.iter().filter(|outcome| outcome.verdict.as_str() == word).count()
        };
        write!(
            f,
            "{} checks: {} kept, {} broken",
            self.checks.len(),
            count("kept"),
            count("BROKEN")
        )?;
        match count("not applicable") {
            0 => Ok(()),
            some => write!(f, ", {some} not applicable"),
        }
    }
}

/// A server's text on one line, without what would steer a terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> Report {
        let outcome = Outcome {
            name: "a/b",
            promise: "says so",
            verdict,
            took: Duration::from_millis(1_500),
        };
        Report { servers: Vec::new(), scripted_model: true, checks: vec![outcome] }
    }

    #[test]
    fn a_breach_is_shown_with_its_evidence_and_does_not_steer_the_terminal() {
        let breach = Breach::new("\u{1b}[31mred", "plain");
        let report = report(Verdict::Broken(breach));
        assert!(report.has_breach());
        let table = report.to_string();
        assert!(table.contains("BROKEN          a/b    1.50 s  says so"), "{table}");
        assert!(table.contains("seen:     \u{fffd}[31mred\n    expected: plain"), "{table}");
        assert!(table.ends_with("1 checks: 0 kept, 1 broken"), "{table}");
    }

    #[test]
    fn machines_get_the_verdict_as_a_word() {
        let json = serde_json::to_value(report(Verdict::Kept)).expect("it is JSON");
        assert_eq!(json["checks"][0]["verdict"], "kept");
        assert_eq!(json["checks"][0]["took_ms"], 1_500);
    }
}
