//! What a store shows.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::job::{Attempt, Step, Usage};
use contracts::{AnalysisResult, Event, JobId, JobState, Problem, Submission, Timestamp};

use crate::job::Job;

/// A job with all that a client sees but its log.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The job.
    pub job: Job,
    /// What was asked.
    pub submission: Submission,
    /// The job that it repeats.
    pub retry_of: Option<JobId>,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Its steps, in order of their first start.
    pub steps: Vec<Step>,
    /// Its answer.
    pub result: Option<AnalysisResult>,
    /// Why it has none.
    pub error: Option<Problem>,
    /// What it spent.
    pub usage: Usage,
    /// The time at which it was read, by the store's clock.
    pub read_at: Timestamp,
}

/// Which jobs to list. Empty fields do not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// About this company, spelt as it was sent.
    pub company_name: Option<String>,
    /// With all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Accepted at this time or later.
    pub created_after: Option<Timestamp>,
    /// Accepted before this time.
    pub created_before: Option<Timestamp>,
    /// Submitted with this idempotency key.
    pub idempotency_key: Option<String>,
}

/// The place in a list after which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCursor {
    /// The time at which the last job of the page before was accepted.
    pub created_at: Timestamp,
    /// Its id.
    pub id: JobId,
}

/// How much of a log is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimit {
    /// Events at the most.
    pub events: usize,
    /// Bytes of stored `data` at the most, over all events. The first event is read whatever its
    /// size, so that every read of a log that goes on brings something.
    pub bytes: usize,
}

impl LogLimit {
    /// So many events, whatever their size.
    #[must_use]
    pub const fn events(events: usize) -> Self {
        Self { events, bytes: usize::MAX }
    }
}

/// A part of a job's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSlice {
    /// The events.
    pub events: Vec<Event>,
    /// The newest version of the log.
    pub head: u64,
    /// Whether the job has ended, so that the log does not grow any more.
    pub ended: bool,
    /// Whether a deadline of the job has passed, and nobody has ended it yet.
    pub overdue: bool,
}

/// How many jobs there are that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Jobs that wait for nothing but a worker, with or without a hint under way.
    pub due: usize,
    /// Jobs that a worker holds.
    pub held: usize,
    /// Jobs that wait for their `run_at`.
    pub backing_off: usize,
    /// How long the oldest due job has been so; zero if there is none.
    pub oldest_due: Duration,
}

/// The newest version of a job's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// The job.
    pub id: JobId,
    /// The newest version.
    pub version: u64,
    /// Whether the job has ended.
    pub ended: bool,
}
