use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use contracts::event::JobCreated;
use contracts::job::{Attempt, Step, Usage};
use contracts::{
    AnalysisResult, Event, EventBody, Hint, JobId, JobState, News, Problem, Submission, TenantId,
    Timestamp, WorkerId, limits, truncate_json,
};

use super::StoreError;
use crate::job::{Change, Identity, Job, Refusal};

/// The truth about jobs: rows, logs, checkpoints, idempotency keys.
///
/// **Atomicity.** Every method that writes is one transaction, durable when it returns: a job's
/// row, its events, steps, attempts and result change together or not at all.
///
/// **Order.** The events of a job are numbered 1..n in the order of their commits, without holes.
/// Their times never run backwards.
///
/// **Time** is the store's own. Callers pass durations, never times of day, so that a caller's
/// wrong clock changes nothing.
///
/// **Rules.** What may happen to a job is decided by [`Job::change`] alone; a store that decides
/// in SQL decides the same, and the conformance suite holds it to that.
///
/// **Repetition.** Every write may be sent again after a lost reply: `submit` by id, `write` by
/// its fence's `write_no`; `cancel`, `sweep` and the rest are idempotent by nature.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Accepts a job, its first events, and its idempotency key, if it has one.
    ///
    /// A key that is known answers with the job it belongs to and stores nothing. Concurrent
    /// submissions with one key wait for each other: one is created, the others are replays.
    ///
    /// The id is looked at first: a known id is a replay whatever its key, and an id or key whose
    /// job was deleted stays gone for as long as its tombstone is kept. Carried events must not be
    /// `job.*` events, and each carried step must have its `step.completed` or `step.skipped`
    /// among them; else the submission is [`StoreError::Rejected`] and nothing of it is kept.
    async fn submit(&self, new: NewJob) -> Result<Submitted, StoreError>;

    /// A job, with all a client sees but its log. `None` if it is unknown or another tenant's.
    /// A job that is overdue is ended first; the events of that go to `sweep`'s next answer. Only
    /// `get` and `cancel` do so; other reads show what is stored.
    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError>;

    /// At most `limit` jobs after `cursor`, ordered by (`created_at`, `id`), descending.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError>;

    /// At most `limit` events after version `after`, in order. `None` if the job is unknown or
    /// another tenant's. An `after` beyond the log gives no events and the true head.
    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Option<LogSlice>, StoreError>;

    /// The finished steps of a job, in the order of the workflow, which is the order in which they
    /// were first begun. `None` if the job is unknown or
    /// another tenant's.
    async fn checkpoints(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Option<Vec<StepRecord>>, StoreError>;

    /// The newest version of each of these jobs' logs. Unknown jobs are left out.
    async fn heads(&self, ids: &[JobId]) -> Result<Vec<LogHead>, StoreError>;

    /// Asks to end a job. `None` if the job is unknown or another tenant's. A job that is overdue
    /// is ended first, as in `get`, and the answer is then that it has ended.
    async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Option<Cancelled>, StoreError>;

    /// Claims a job for a worker: compare-and-set to `running` under a new epoch. `None` if the
    /// job is not due, is held, has ended or is unknown: such a hint is stale and changes nothing.
    ///
    /// A job that is stamped with a pipeline version other than those in `pipelines` (newest
    /// first) is not claimed; one without a stamp gets the first of them. A claim is also a sign of
    /// life of the worker (see `renew`).
    async fn claim(
        &self,
        id: JobId,
        worker: WorkerId,
        pipelines: &[u32],
    ) -> Result<Option<Claimed>, StoreError>;

    /// A write of the worker that holds the job, with its events and checkpoints.
    ///
    /// It matches on (epoch, worker, state, `write_no`): a write of an older epoch or another
    /// worker is [`Written::Fenced`], one that was applied before is [`Written::Again`], also after
    /// it ended the job or gave it back. A write that skips a number is fenced: the one before it
    /// never arrived. While the job is being cancelled, [`Change::ConfirmCancel`] and
    /// [`Change::Release`] are written, and everything else is answered [`Written::Cancelling`].
    ///
    /// Each checkpoint comes with the `step.completed` or `step.skipped` event of its step, in the
    /// same write or an earlier one; a step that begins again loses its checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the change is not the holder's to make, if it confirms a cancel
    /// that nobody asked for, or if a value cannot be kept. Nothing was written then, and the
    /// write's number is free.
    async fn write(&self, write: Write) -> Result<Written, StoreError>;

    /// Says that a worker lives, and asks what it must know. A worker that was not heard of for
    /// `lease` (see `sweep`) loses its jobs.
    async fn renew(&self, worker: WorkerId) -> Result<Renewal, StoreError>;

    /// Forgets a worker that ended in order. Jobs that it still holds are given back by the next
    /// sweep, as from a worker that died: one that can still write releases them itself.
    async fn retire(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Takes jobs that are due and have no hint under way, marks them as hinted, and returns their
    /// hints: as many as bring the number of hinted, unclaimed jobs up to the window.
    ///
    /// Order: tenants in turn, those with less running first (a hinted job counts as running, and
    /// among equals the turn goes on behind the tenant that was served last); within a tenant jobs
    /// already started, then priority (higher first), then deadline.
    ///
    /// A hint that was not claimed for `resend_after` is taken again, within the same window. Jobs
    /// that wait for their `run_at`, or are overdue, have no hint.
    async fn refill(&self, refill: Refill) -> Result<Vec<Hint>, StoreError>;

    /// Marks jobs as not hinted: their hints could not be sent.
    async fn unhint(&self, hints: &[Hint]) -> Result<(), StoreError>;

    /// One bounded round of housekeeping: gives back the jobs of workers that were not heard of
    /// for `lease`, settles cancels that no worker confirmed in time, ends what is overdue,
    /// deletes what is past its retention.
    ///
    /// At most `limit` jobs are touched, each on its own: one that cannot be moved keeps no other
    /// from moving. What is overdue is ended first, so that a job whose worker is gone and whose
    /// time is over ends rather than waits.
    ///
    /// Silence counts only while somebody sweeps: a sweep that comes more than two seconds after
    /// the last one first hears every worker that it knows.
    async fn sweep(&self, lease: Duration, limit: usize) -> Result<Swept, StoreError>;
}

/// A job to accept.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id, tenant and trace. The same id submitted again is the same job.
    pub identity: Identity,
    /// What was asked.
    pub submission: Submission,
    /// The key that makes a repeated submission this job.
    pub idempotency: Option<IdempotencyKey>,
    /// From creation to the deadline.
    pub timeout: Duration,
    /// From creation to the latest first start.
    pub queue_timeout: Option<Duration>,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// Finished steps taken over from `retry_of`, with the events that tell of them.
    pub carried: Vec<StepRecord>,
    /// The events of the carried steps; they follow `job.created`.
    pub carried_events: Vec<EventBody>,
    /// The job is marked as hinted if fewer jobs than this are hinted and unclaimed and its tenant
    /// has no due job without a hint: then the caller sends the hint.
    pub hint_window: usize,
}

impl NewJob {
    /// The data of its `job.created` event.
    #[must_use]
    pub fn created(&self, now: Timestamp) -> JobCreated {
        let submission = &self.submission;
        JobCreated {
            company_name: submission.company_name.clone(),
            question: truncate_json(&submission.question, limits::EVENT_QUESTION_BYTES_MAX)
                .to_owned(),
            max_attempts: submission.max_attempts.unwrap_or(limits::MAX_ATTEMPTS_DEFAULT),
            priority: submission.priority.unwrap_or(limits::PRIORITY_DEFAULT),
            deadline_at: now.after(self.timeout),
            queue_deadline_at: self.queue_timeout.map(|timeout| now.after(timeout)),
            retry_of: self.retry_of,
        }
    }
}

/// A client's key for a submission, with what it was first used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request that it stands for.
    pub fingerprint: [u8; 32],
}

/// What became of a submission.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every submission is the large one")]
pub enum Submitted {
    /// The job was accepted.
    Created {
        /// What was committed.
        committed: Committed,
        /// Whether the job is marked as hinted, so that the caller must send the hint.
        hinted: bool,
    },
    /// The key, or the id, belongs to a job accepted earlier: this one.
    Replayed(JobId),
    /// The key belongs to another request.
    KeyReused,
    /// The key, or the id, belongs to a job that was deleted.
    KeyGone,
}

/// What a write committed.
#[derive(Debug, Clone)]
pub struct Committed {
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
}

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

/// A part of a job's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSlice {
    /// The events.
    pub events: Vec<Event>,
    /// The newest version of the log.
    pub head: u64,
    /// Whether the job has ended, so that the log does not grow any more.
    pub ended: bool,
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

/// The answer to a request to cancel.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// What was committed; no events if the job already was as asked.
    pub committed: Committed,
    /// Why the job cannot be cancelled.
    pub refused: Option<Refusal>,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// What was committed: the job under its new epoch, and `job.started`.
    pub committed: Committed,
    /// What was asked.
    pub submission: Submission,
    /// The steps that are done, in the order of the workflow: they are not run again.
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
    /// A hint that was not claimed for this long is taken again.
    pub resend_after: Duration,
}

/// What a sweep did.
#[derive(Debug, Clone, Default)]
pub struct Swept {
    /// What it committed, and what reads committed since the last sweep, a job each.
    pub news: Vec<News>,
    /// Whether rows may remain: sweep again at once.
    pub more: bool,
}
