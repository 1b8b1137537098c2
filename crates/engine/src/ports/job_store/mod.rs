mod holding;
mod reading;
mod submission;

use std::time::Duration;

use async_trait::async_trait;
use contracts::{Hint, JobId, TenantId, WorkerId};

use super::StoreError;

pub use self::holding::{
    Cancelled, Claimed, Committed, Deletion, Fence, Refill, Renewal, Resend, StepRecord, Swept,
    Write, Written,
};
pub use self::reading::{Backlog, JobFilter, LogHead, LogLimit, LogSlice, PageCursor, Snapshot};
pub use self::submission::{IdempotencyKey, NewJob, Submitted};

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
/// **Rules.** What may happen to a job is decided by [`crate::job::Job::change`] alone; a store
/// that decides in SQL decides the same, and the conformance suite holds it to that.
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
    /// `get` and `cancel` do so; other reads show what is stored, and whether it is overdue.
    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError>;

    /// The place of a job among those of its tenant that are due and wait for a worker, in the order
    /// in which they are given out, from 1: first those with a hint under way, in the order of
    /// their hints, then the others, in the order of `refill`.
    ///
    /// An estimate: jobs that a sweep is about to end count, and hints may arrive in another order.
    /// `None` if the job does not wait so (one whose `run_at` has passed may do so only after the
    /// next `refill`), is further behind than [`contracts::limits::QUEUE_POSITION_MAX`], is unknown
    /// or another tenant's. No more jobs than that are read of those with hints and of those
    /// without, whoever's the hints are; what is behind them is further behind.
    async fn queue_position(&self, tenant: &TenantId, id: JobId)
    -> Result<Option<u32>, StoreError>;

    /// At most `limit` jobs after `cursor`, ordered by (`created_at`, `id`), descending.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError>;

    /// The events after version `after`, in order, as many as `limit` lets through. `None` if the
    /// job is unknown or another tenant's. An `after` beyond the log gives no events and the true
    /// head.
    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: LogLimit,
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

    /// Deletes a job that has ended, and everything of it. For 30 days its id and its idempotency
    /// key are remembered as gone (see `is_gone` and `submit`), as after the end of its retention.
    /// Sent again after a lost reply it answers [`Deletion::Unknown`].
    async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<Deletion, StoreError>;

    /// Whether the tenant had a job with this id that was deleted and is still remembered.
    async fn is_gone(&self, tenant: &TenantId, id: JobId) -> Result<bool, StoreError>;

    /// Claims a job for a worker: compare-and-set to `running` under a new epoch. `None` if the
    /// job is not due, is held, has ended or is unknown: such a hint is stale and changes nothing.
    ///
    /// `pipelines` are the versions of the workflow that the worker knows, newest first. Which of
    /// them the job is run with, and whether it is left to another worker, [`Job::claim`] says, from
    /// what live workers know; the answer's finished steps are those of that version. A claim is
    /// also a sign of life of the worker (see `renew`).
    ///
    /// [`Job::claim`]: crate::job::Job::claim
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
    /// never arrived. While the job is being cancelled, [`ConfirmCancel`] and
    /// [`Release`] are written, and everything else is answered [`Written::Cancelling`].
    ///
    /// Each checkpoint comes with the `step.completed` or `step.skipped` event of its step, in the
    /// same write or an earlier one; a step that begins again loses its checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the change is not the holder's to make, if it confirms a cancel
    /// that nobody asked for, or if a value cannot be kept. Nothing was written then, and the
    /// write's number is free.
    ///
    /// [`ConfirmCancel`]: crate::job::Change::ConfirmCancel
    /// [`Release`]: crate::job::Change::Release
    async fn write(&self, write: Write) -> Result<Written, StoreError>;

    /// Says that a worker lives and which versions of the workflow it knows, newest first, and asks
    /// what it must know. A worker that was not heard of for `lease` (see `sweep`) loses its jobs.
    ///
    /// A heartbeat calls it on a runtime of its own: it comes to its end also while every thread of
    /// the runtime that the store was opened on is blocked.
    async fn renew(&self, worker: WorkerId, pipelines: &[u32]) -> Result<Renewal, StoreError>;

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
    /// A hint that was not claimed for the time of `resend` is taken again, within the same window.
    /// Jobs that wait for their `run_at`, or are overdue, have no hint.
    async fn refill(&self, refill: Refill) -> Result<Vec<Hint>, StoreError>;

    /// How many jobs there are that have not ended, whoever's they are: at most `limit` are read of
    /// those with a hint, of those that wait without one, and of those that are held. What is
    /// beyond is neither counted nor looked at for its age. Jobs that a sweep is about to end count.
    async fn backlog(&self, limit: usize) -> Result<Backlog, StoreError>;

    /// Marks jobs as not hinted: their hints could not be sent, and do not count.
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
    /// the last one first hears every worker that it knows. In the same way it remembers which
    /// versions of the workflow live workers knew, and until when.
    async fn sweep(&self, lease: Duration, limit: usize) -> Result<Swept, StoreError>;
}
