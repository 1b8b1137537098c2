//! What holds of every job in a store, at any moment: pure judgement of one record.
//!
//! The store is the truth, so what it promises can be read off it: [`judge`] compares a job's row
//! and everything beside it with the job's log, and the log with the rules of a job's life. It
//! relies on nothing that a store computed.

mod attempts;
mod ending;
mod keys;
mod log;
mod pace;
mod sources;
mod steps;

use std::fmt;

use contracts::JobId;

use crate::job::Recorded;
use crate::ports::{JobRecord, Watch};

pub(crate) use pace::GRACE;
pub use pace::is_orphan;

/// A rule that every record keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Everything that is kept of a job can be read.
    Readable,
    /// The log is numbered 1 to n, begins with `job.created`, and ends with its only terminal
    /// event if the job has ended.
    Log,
    /// The row is the fold of the log.
    Row,
    /// Attempts follow each other, each with one holder, and are the fold of the log.
    Attempts,
    /// A finished step is not run again, and steps are the fold of the log.
    Steps,
    /// A job that has ended has exactly one of a result and an error, as its last event says; no
    /// other job has either.
    Ending,
    /// Every source of a result was retrieved in the job's log, and every citation resolves.
    Sources,
    /// An accepted job is there with its request, and under its own tenant's key alone.
    Keys,
    /// Nothing lasts longer than 5 s past its time.
    Deadline,
    /// No worker that is gone holds a job.
    Lease,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Readable => "readable",
            Self::Log => "log",
            Self::Row => "row",
            Self::Attempts => "attempts",
            Self::Steps => "steps",
            Self::Ending => "ending",
            Self::Sources => "sources",
            Self::Keys => "keys",
            Self::Deadline => "deadline",
            Self::Lease => "lease",
        })
    }
}

/// A rule that a job's record breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub invariant: Invariant,
    /// The job.
    pub job_id: JobId,
    /// What is wrong, in a sentence without its full stop.
    pub finding: String,
}

/// What a record breaks: of each rule the first finding. `watch` is that of the record's page:
/// without it, nobody had the duty to move the job on.
#[must_use]
pub fn judge(record: &JobRecord, watch: Option<Watch>) -> Vec<Violation> {
    let violation = |(invariant, finding): (Invariant, Option<String>)| {
        finding.map(|finding| Violation { invariant, job_id: record.job.id, finding })
    };
    let log = match log::read(&record.log) {
        Ok(log) => log,
        // Nothing can be compared with a log that says nothing.
        Err(finding) => {
            return violation((Invariant::Readable, Some(finding))).into_iter().collect();
        }
    };
    let findings = [
        (Invariant::Log, log::finding(record, &log)),
        (Invariant::Row, log::finding_of_row(record, &log)),
        (Invariant::Attempts, attempts::finding(record, &log)),
        (Invariant::Steps, steps::finding(record, &log)),
        (Invariant::Ending, ending::finding(record, &log)),
        (Invariant::Sources, sources::finding(record, &log)),
        (Invariant::Keys, keys::finding(record)),
        (Invariant::Deadline, watch.and_then(|watch| pace::late(record, watch))),
        (Invariant::Lease, watch.and_then(|watch| pace::silent(record, watch))),
    ];
    findings.into_iter().filter_map(violation).collect()
}

/// An event with its place, as a finding names it.
fn named(event: &Recorded) -> String {
    format!("version {}, {}", event.version, event.body.kind())
}

/// Whether an event is the last of its log.
fn is_terminal(event: &Recorded) -> bool {
    contracts::EventBody::TERMINAL_TYPES.contains(&event.body.kind())
}
