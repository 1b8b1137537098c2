//! What passes between a store and those who move jobs on.

use std::time::Duration;

use contracts::job::Usage;
use contracts::{Event, JobId, News, Submission, WorkerId};

use crate::job::{Change, Job, Refusal, Standing};

/// What a write committed.
#[derive(Debug, Clone)]
pub struct Committed {
    /// How the job stood before it; `None` if it was created by it.
    pub before: Option<Standing>,
    /// The job after it.
    pub job: Job,
    /// The events it appended, in order.
    pub events: Vec<Event>,
}

impl Committed {
    /// The news of it; `None` if nothing was appended.
    #[must_use]
    pub fn news(&self) -> Option<News> {
        let news = || News { job_id: self.job.id, events: self.events.clone() };
        (!self.events.is_empty()).then(news)
    }

    /// Itself, if anything was appended.
    #[must_use]
    pub fn unless_empty(self) -> Option<Self> {
        (!self.events.is_empty()).then_some(self)
    }
}

/// The answer to a request to cancel.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// What was committed; no events if the job already was as asked.
    pub committed: Committed,
    /// Why the job cannot be cancelled.
    pub refused: Option<Refusal>,
}

/// What became of a request to delete a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is deleted.
    Deleted,
    /// It has not ended: nothing was changed.
    NotEnded,
    /// The job is unknown, another tenant's, or deleted already.
    Unknown,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// What was committed: the job under its new epoch, and `job.started`.
    pub committed: Committed,
    /// What was asked.
    pub submission: Submission,
    /// The steps that are done, in the order of the workflow: they are not run again. Those of a
    /// version of it that is retired are not among them.
    pub done: Vec<StepRecord>,
    /// What the job spent so far.
    pub usage: Usage,
    /// From now to the deadline.
    pub left: Duration,
}

/// The right to write: held from a claim until the epoch changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The job.
    pub job_id: JobId,
    /// The worker that claimed it.
    pub worker: WorkerId,
    /// The epoch of the claim.
    pub epoch: u64,
    /// The number of this write, from 1.
    pub write_no: u64,
}

/// A write of the worker that holds a job.
#[derive(Debug, Clone)]
pub struct Write {
    /// The right to it.
    pub fence: Fence,
    /// What happens to the job: [`Change::Work`], [`Change::Retry`], [`Change::Fail`],
    /// [`Change::Succeed`], [`Change::Release`], [`Change::ConfirmCancel`] or
    /// [`Change::PassDeadline`].
    pub change: Change,
    /// The steps that it finishes.
    pub checkpoints: Vec<StepRecord>,
    /// What was spent since the last write.
    pub usage: Usage,
}

/// A finished step, to be kept: a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The step's name.
    pub step: String,
    /// SHA-256 of everything the step's output depends on but the corpus.
    pub input_sha256: [u8; 32],
    /// The workflow that it belongs to.
    pub pipeline_version: u32,
    /// The generation of the corpus it saw; `None` if it does not read the corpus.
    pub corpus_generation: Option<u64>,
    /// What it produced: JSON, as the step wrote it.
    pub output: String,
}

/// What became of a fenced write.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every write is the large one")]
pub enum Written {
    /// It is committed.
    Applied(Committed),
    /// It was committed before: this is a repetition.
    Again,
    /// A cancel was accepted: only [`Change::ConfirmCancel`] and [`Change::Release`] are written
    /// any more.
    Cancelling,
    /// The job is not this worker's any more: stop, nothing is accepted.
    Fenced,
}

/// What a worker learns at its heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewal {
    /// Jobs that this worker holds and must stop.
    pub cancelling: Vec<JobId>,
}

/// How many hints to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    /// Hinted, unclaimed jobs at the most.
    pub window: usize,
    /// When a hint that was not claimed is taken again.
    pub resend: Resend,
}

/// How long a hint may go unclaimed before it is taken again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// After the first hint of a job; twice as long after each further one, as long as nothing is
    /// recorded of the job.
    pub first: Duration,
    /// At the most.
    pub max: Duration,
}

impl Resend {
    /// This long, however often it was taken: the hint is known to be lost.
    #[must_use]
    pub const fn always(after: Duration) -> Self {
        Self { first: after, max: after }
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// What it committed, and what reads committed since the last sweep, a job each.
    pub committed: Vec<Committed>,
    /// Whether rows may remain: sweep again at once.
    pub more: bool,
}
