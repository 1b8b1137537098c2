//! Proofs that come in two lengths, and the figures that they are about.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Set, to whatever: proofs are made at their full length.
const LONG: &str = "ASSAY_TEST_LONG";
/// Chooses what is random in a proof.
const SEED: &str = "ASSAY_TEST_SEED";
/// Names the file that figures are listed in.
const FIGURES: &str = "ASSAY_TEST_FIGURES";

/// How much of something a proof takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// With every change of the code, on whatever machine.
    pub short: usize,
    /// With `ASSAY_TEST_LONG`.
    pub long: usize,
}

impl Length {
    /// What is taken now. The environment variable `variable` overrides both lengths.
    ///
    /// # Panics
    /// If the variable is set to something that is no number.
    #[must_use]
    pub fn now(self, variable: &str) -> usize {
        let usual = if is_long() { self.long } else { self.short };
        number(variable).unwrap_or(usual)
    }
}

/// Whether proofs are made at their full length.
#[must_use]
pub fn is_long() -> bool {
    std::env::var_os(LONG).is_some()
}

/// What the random choices of a test come from: `ASSAY_TEST_SEED`, else another one each time. It
/// is printed, so that a test that fails can be repeated.
///
/// # Panics
/// If the variable is set to something that is no number.
#[must_use]
pub fn seed() -> u64 {
    let seed = number(SEED).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Short enough to be typed.
        u64::from(now.subsec_nanos()) ^ (now.as_secs() % 1_000_000)
    });
    say(&format!("{SEED}={seed}"));
    seed
}

/// Says what a proof has measured or counted.
///
/// The line `name: value` is printed, and appended to the file that `ASSAY_TEST_FIGURES` names:
/// the output of a test that passes is not shown.
///
/// # Panics
/// If the file cannot be written.
pub fn figure(name: &str, value: impl std::fmt::Display) {
    let line = format!("{name}: {value}");
    say(&line);
    if let Some(path) = std::env::var_os(FIGURES) {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| writeln!(file, "{line}"))
            .expect("the file of figures can be written");
    }
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

fn say(line: &str) {
    #[expect(clippy::print_stderr, reason = "the test harness shows it if the test fails")]
    {
        eprintln!("{line}");
    }
}
