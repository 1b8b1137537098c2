//! What a job is and what may happen to it: the pure state machine.
//!
//! Nothing here waits, reads a clock or touches a store: the time and every choice are passed in.
//! [`Job::change`] decides which events a [`Change`] gives rise to, and applies them; the row
//! that a store keeps is exactly the fold of the job's log through [`Job::replay`].

mod change;
mod replay;
mod spending;
mod workflow;

use std::time::Duration;

use contracts::job::Timeline;
use contracts::{JobId, JobState, TenantId, Timestamp, TraceContext, WorkerId, limits};

pub use change::{Change, Recorded, Refusal};
pub use replay::{Identity, ReplayError};
pub use spending::spent_each;
pub use workflow::{RETIRED_AFTER, Workflows};

/// Worker deaths since the last checkpoint after which a job is given up as `worker_lost`.
pub const CRASHES_MAX: u32 = 3;
/// Worker deaths since the last checkpoint from which on a job runs alone in its worker.
pub const CRASHES_ALONE: u32 = 2;
/// Milliseconds after which a sweep settles a cancel that the worker did not confirm.
pub const CANCEL_GRACE_MS: u64 = 5_000;

/// A job: what decides about its future, and nothing else. Its request, its result and its steps
/// stand beside it in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The trace it belongs to.
    pub trace: TraceContext,
    /// Its state, with what only that state knows.
    pub state: State,
    /// Since when it is in that state.
    pub state_since: Timestamp,
    /// The fencing token: +1 at every claim and at every lost lease. A write of an older epoch is
    /// refused.
    pub epoch: u64,
    /// The number of its newest event, from 1.
    pub version: u64,
    /// The number of the newest fenced write of this epoch; 0 after a claim. The only field that
    /// the log does not determine.
    pub write_no: u64,
    /// Starts so far.
    pub attempt: u32,
    /// Attempts that ended with an error of their own.
    pub failures: u32,
    /// Failures after which it is given up.
    pub max_attempts: u32,
    /// Worker deaths since the last checkpoint.
    pub crash_count: u32,
    /// 0 to 9, higher first.
    pub priority: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ends, whatever it is doing.
    pub deadline_at: Timestamp,
    /// By when it must have started.
    pub queue_deadline_at: Option<Timestamp>,
    /// The version of the workflow that it runs: set at its first claim, and changed only if that
    /// version is retired.
    pub pipeline_version: Option<u32>,
    /// Unicode scalar values of output shown since the last `output.reset`.
    pub output_chars: u64,
    /// Time spent per kind of state, up to `state_since`.
    pub spent: Timeline,
    /// The time of its newest event: recorded times never run backwards within a job.
    pub last_event_at: Timestamp,
}

/// A job's state, and since when it is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

impl Standing {
    /// Since when the job waits for nothing but a worker, if that is what it waits for.
    #[must_use]
    pub const fn due_since(&self) -> Option<Timestamp> {
        match self.state {
            State::Queued => Some(self.since),
            State::Retrying { run_at } => Some(run_at),
            State::Running { .. } | State::Cancelling { .. } | State::Ended(_) => None,
        }
    }
}

/// The state of a job, with what only that state knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Durable, waiting for a worker. Claims move it on. A crash of the store leaves it here.
    Queued,
    /// A worker holds it. The worker's writes move it on, or a sweep once the lease is lost.
    Running {
        /// The holder.
        worker: WorkerId,
    },
    /// Backing off. A claim moves it on from `run_at`.
    Retrying {
        /// When the next attempt may begin.
        run_at: Timestamp,
    },
    /// A cancel was accepted and the worker is told. Only `cancelled` can follow.
    Cancelling {
        /// The holder.
        worker: WorkerId,
        /// When the cancel was accepted.
        requested_at: Timestamp,
    },
    /// Nothing can follow.
    Ended(Ending),
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a result.
    Succeeded,
    /// With an error.
    Failed,
    /// The deadline passed after work began.
    TimedOut,
    /// The deadline passed before any attempt.
    Expired,
    /// The client ended it.
    Cancelled,
}

impl State {
    /// The state's name in the contract.
    #[must_use]
    pub const fn name(&self) -> JobState {
        match self {
            Self::Queued => JobState::Queued,
            Self::Running { .. } => JobState::Running,
            Self::Retrying { .. } => JobState::Retrying,
            Self::Cancelling { .. } => JobState::Cancelling,
            Self::Ended(Ending::Succeeded) => JobState::Succeeded,
            Self::Ended(Ending::Failed) => JobState::Failed,
            Self::Ended(Ending::TimedOut) => JobState::TimedOut,
            Self::Ended(Ending::Expired) => JobState::Expired,
            Self::Ended(Ending::Cancelled) => JobState::Cancelled,
        }
    }

    /// The worker that holds the job, if one does.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Running { worker } | Self::Cancelling { worker, .. } => Some(*worker),
            Self::Queued | Self::Retrying { .. } | Self::Ended(_) => None,
        }
    }
}

impl Job {
    /// Its state, and since when it is in it.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing { state: self.state, since: self.state_since }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// When it ended.
    #[must_use]
    pub const fn finished_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Ended(_) => Some(self.state_since),
            State::Queued
            | State::Running { .. }
            | State::Retrying { .. }
            | State::Cancelling { .. } => None,
        }
    }

    /// When it may be deleted, once it ended.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let retention = Duration::from_secs(u64::from(limits::RETENTION_DAYS) * 24 * 60 * 60);
        self.finished_at().map(|at| at.after(retention))
    }

    /// Whether a deadline that applies to its state has passed.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let waits_for_first_start = self.attempt == 0;
        let queue_passed =
            self.queue_deadline_at.is_some_and(|at| waits_for_first_start && now >= at);
        !self.is_ended() && (now >= self.deadline_at || queue_passed)
    }

    /// Whether a worker may claim it.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let waiting = match self.state {
            State::Queued => true,
            State::Retrying { run_at } => now >= run_at,
            State::Running { .. } | State::Cancelling { .. } | State::Ended(_) => false,
        };
        waiting && !self.is_overdue(now)
    }

    /// Whether it must run alone in its worker, because it may be what kills workers.
    #[must_use]
    pub const fn runs_alone(&self) -> bool {
        self.crash_count >= CRASHES_ALONE
    }

    /// Where its time went, up to `now`. The parts add up to the time since its creation.
    #[must_use]
    pub fn timeline(&self, now: Timestamp) -> Timeline {
        match self.state {
            State::Ended(_) => self.spent,
            State::Queued
            | State::Running { .. }
            | State::Retrying { .. }
            | State::Cancelling { .. } => self.spent_until(now),
        }
    }

    fn spent_until(&self, now: Timestamp) -> Timeline {
        let passed_ms = now.millis_since(self.state_since);
        let mut spent = self.spent;
        match self.state {
            State::Queued => spent.queued_ms += passed_ms,
            State::Running { .. } | State::Cancelling { .. } => spent.running_ms += passed_ms,
            State::Retrying { .. } => spent.backoff_ms += passed_ms,
            State::Ended(_) => {}
        }
        spent
    }
}
