//! How the words of the contract stand in the tables.

use contracts::event::{RequeueReason, StepKind};
use contracts::job::{AttemptOutcome, StepState};

use crate::fault::Fault;

pub(crate) const STEP_KINDS: &[(&str, StepKind)] =
    &[("retrieval", StepKind::Retrieval), ("tool", StepKind::Tool), ("model", StepKind::Model)];

pub(crate) const STEP_STATES: &[(&str, StepState)] = &[
    ("running", StepState::Running),
    ("completed", StepState::Completed),
    ("failed", StepState::Failed),
    ("skipped", StepState::Skipped),
];

pub(crate) const OUTCOMES: &[(&str, AttemptOutcome)] = &[
    ("succeeded", AttemptOutcome::Succeeded),
    ("failed", AttemptOutcome::Failed),
    ("requeued", AttemptOutcome::Requeued),
    ("ended", AttemptOutcome::Ended),
];

pub(crate) const REQUEUE_REASONS: &[(&str, RequeueReason)] = &[
    ("drain", RequeueReason::Drain),
    ("lease_lost", RequeueReason::LeaseLost),
    ("circuit_open", RequeueReason::CircuitOpen),
];

/// The word for a value. Every table above names every value of its type.
pub(crate) fn word<T: PartialEq>(
    table: &[(&'static str, T)],
    value: &T,
) -> Result<&'static str, Fault> {
    let found = table.iter().find(|(_, known)| known == value);
    found.map(|(word, _)| *word).ok_or(Fault::Unstorable("word"))
}

/// The value of a word.
pub(crate) fn value<T: Copy>(
    table: &[(&'static str, T)],
    word: &str,
    what: &'static str,
) -> Result<T, Fault> {
    let found = table.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or(Fault::Corrupt(what))
}
