//! Why a check does not say that its promise was kept.

use std::fmt;

use contracts::truncate_chars;
use serde::Serialize;

/// Characters of evidence that are kept: enough to find the place, little enough for a terminal.
const EVIDENCE_CHARS_MAX: usize = 600;

/// What a check found.
pub(crate) type Checked<T = ()> = Result<T, Fault>;

/// Why a check does not say that its promise was kept.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server broke the promise.
    Breach(Breach),
    /// This server cannot be asked, for the reason given.
    NotApplicable(String),
}

/// What was seen, and what the contract promises instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// What the server did.
    pub seen: String,
    /// What it should have done.
    pub expected: String,
}

impl Breach {
    /// The evidence of a breach; long texts are cut.
    pub(crate) fn new(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { seen: cut(seen.into()), expected: cut(expected.into()) }
    }
}

impl Fault {
    /// A breach with this evidence.
    pub(crate) fn breach(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Breach(Breach::new(seen, expected))
    }

    /// The same, where it was found; only a breach has a place.
    pub(crate) fn during(self, place: impl fmt::Display) -> Self {
        match self {
            Self::Breach(Breach { seen, expected }) => {
                Self::breach(format!("{place}: {seen}"), expected)
            }
            other @ Self::NotApplicable(_) => other,
        }
    }
}

/// Says where the fault of a part was found.
pub(crate) trait During<T> {
    /// The same, with the place in front of what was seen.
    fn during(self, place: impl fmt::Display) -> Checked<T>;
}

impl<T> During<T> for Checked<T> {
    fn during(self, place: impl fmt::Display) -> Checked<T> {
        self.map_err(|fault| fault.during(place))
    }
}

/// A breach unless both are equal; `what` names the thing.
pub(crate) fn equal<S, E>(what: impl fmt::Display, seen: S, expected: E) -> Checked
where
    S: PartialEq<E> + fmt::Debug,
    E: fmt::Debug,
{
    if seen == expected {
        return Ok(());
    }
    Err(Fault::breach(format!("{what} is {seen:?}"), format!("{what} is {expected:?}")))
}

/// A breach unless it holds.
pub(crate) fn holds(is_so: bool, seen: impl fmt::Display, expected: impl fmt::Display) -> Checked {
    match is_so {
        true => Ok(()),
        false => Err(Fault::breach(seen.to_string(), expected.to_string())),
    }
}

fn cut(text: String) -> String {
    match truncate_chars(&text, EVIDENCE_CHARS_MAX) {
        all if all.len() == text.len() => text,
        beginning => format!("{beginning}…"),
    }
}
