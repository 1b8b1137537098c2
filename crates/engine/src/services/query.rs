//! Reading jobs and their logs.

use contracts::job::{Links, StepState};
use contracts::result::PartialResult;
use contracts::{EventBody, EventPage, Job, JobId, TenantId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::Jobs;
use crate::job::State;
use crate::ports::{JobFilter, LogLimit, LogSlice, PageCursor, Snapshot, StoreError};

/// Overdue jobs of a list that are ended side by side.
const ENDED_AT_A_TIME: usize = 16;

/// Why a job or its log is not shown.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such job, or it is another tenant's.
    #[error("there is no such job")]
    NotFound,
    /// The job was deleted, not long ago.
    #[error("the job was deleted")]
    Gone,
    /// The cursor is beyond the newest event.
    #[error("the cursor {after} is ahead of the log, which ends at {head}")]
    CursorAhead {
        /// The cursor.
        after: u64,
        /// The newest version.
        head: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why there is no job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is unknown, or another tenant's.
    NotFound,
    /// It was deleted.
    Gone,
}

impl From<Missing> for QueryError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::NotFound => Self::NotFound,
            Missing::Gone => Self::Gone,
        }
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The filter.
    pub filter: JobFilter,
    /// The place after which the page begins.
    pub cursor: Option<PageCursor>,
    /// Jobs at the most.
    pub page_size: usize,
}

impl Jobs {
    /// A job as the client sees it.
    ///
    /// # Errors
    /// [`QueryError::NotFound`], [`QueryError::Gone`], [`QueryError::Store`].
    pub async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Job, QueryError> {
        match self.store.get(tenant, id).await? {
            Some(snapshot) => self.show(snapshot).await,
            None => Err(self.missing(tenant, id).await?.into()),
        }
    }

    /// A page of jobs, newest first, and the cursor of the next page. Overdue jobs on it are ended
    /// first. Jobs in a list come without their `partial_result` and `queue_position`: those are
    /// read from the log and the queue, a job at a time.
    ///
    /// # Errors
    /// [`QueryError::Store`].
    pub async fn list(
        &self,
        tenant: &TenantId,
        query: &ListQuery,
    ) -> Result<(Vec<Job>, Option<PageCursor>), QueryError> {
        let one_more = query.page_size + 1;
        let list = || self.store.list(tenant, &query.filter, query.cursor, one_more);
        let mut found = list().await?;
        if self.end_overdue(&found).await? {
            found = list().await?;
        }
        let more = found.len() > query.page_size;
        found.truncate(query.page_size);
        let last = found.last().map(|s| PageCursor { created_at: s.job.created_at, id: s.job.id });
        let jobs = found.into_iter().map(|snapshot| view(snapshot, None)).collect();
        Ok((jobs, last.filter(|_| more)))
    }

    /// A page of a job's log. A job that is overdue is ended first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn events(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: usize,
    ) -> Result<EventPage, QueryError> {
        let limit = LogLimit::events(limit);
        let mut slice = self.store.log(tenant, id, after, limit).await?;
        if slice.as_ref().is_some_and(|slice| slice.overdue) {
            self.store.get(tenant, id).await?;
            slice = self.store.log(tenant, id, after, limit).await?;
        }
        let Some(slice) = slice else {
            return Err(self.missing(tenant, id).await?.into());
        };
        let LogSlice { events, head, .. } = slice;
        if after > head {
            return Err(QueryError::CursorAhead { after, head });
        }
        let next_after = events.last().map_or(after, contracts::Event::version);
        Ok(EventPage { events, next_after, head })
    }

    /// A snapshot as the client sees it; what was reached stands beside an error, and a job that
    /// waits for a worker has its place in the queue.
    ///
    /// # Errors
    /// [`QueryError::Store`].
    pub async fn show(&self, snapshot: Snapshot) -> Result<Job, QueryError> {
        let queue_position = self.queue_position(&snapshot).await;
        let partial = match snapshot.error {
            Some(_) => Some(self.partial_result(&snapshot).await?),
            None => None,
        };
        Ok(Job { queue_position, ..view(snapshot, partial) })
    }

    /// The snapshot of a job that was accepted a moment ago, as the client sees it. The store is
    /// not asked for its place in the queue: whoever wants to know it reads the job, and nobody
    /// else pays for it.
    #[must_use]
    pub fn show_created(snapshot: Snapshot) -> Job {
        view(snapshot, None)
    }

    /// Ends those of these jobs that are overdue: `get` does so. Says whether there were any.
    async fn end_overdue(&self, found: &[Snapshot]) -> Result<bool, StoreError> {
        let overdue = found.iter().filter(|snapshot| snapshot.job.is_overdue(snapshot.read_at));
        let ended: Vec<_> = stream::iter(overdue)
            .map(|snapshot| self.store.get(&snapshot.job.tenant, snapshot.job.id))
            .buffered(ENDED_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(!ended.is_empty())
    }

    /// Why the store has no such job. A job that is deleted in between is gone all the same.
    pub(super) async fn missing(
        &self,
        tenant: &TenantId,
        id: JobId,
    ) -> Result<Missing, StoreError> {
        let is_gone = self.store.is_gone(tenant, id).await?;
        Ok(if is_gone { Missing::Gone } else { Missing::NotFound })
    }

    /// What cannot be read is absent: an estimate is not worth a failed answer. The store is asked
    /// after the snapshot was read, so a job that was claimed in between has none either.
    async fn queue_position(&self, snapshot: &Snapshot) -> Option<u32> {
        let Snapshot { job, read_at, .. } = snapshot;
        let may_start = match job.state {
            State::Queued => true,
            State::Retrying { run_at } => run_at <= *read_at,
            State::Running { .. } | State::Cancelling { .. } | State::Ended(_) => false,
        };
        if !may_start {
            return None;
        }
        match self.store.queue_position(&job.tenant, job.id).await {
            Ok(position) => position,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(job_id = %job.id, error, "a place in the queue was not read");
                None
            }
        }
    }

    async fn partial_result(&self, snapshot: &Snapshot) -> Result<PartialResult, QueryError> {
        const WHOLE_LOG: LogLimit =
            LogLimit::events(2 * contracts::limits::EVENTS_PER_JOB_MAX as usize);
        let Snapshot { job, steps, .. } = snapshot;
        let log = self.store.log(&job.tenant, job.id, 0, WHOLE_LOG).await?;
        let mut partial = PartialResult {
            completed_steps: steps
                .iter()
                .filter(|step| step.state == StepState::Completed)
                .map(|step| step.step.clone())
                .collect(),
            ..PartialResult::default()
        };
        for event in log.map(|slice| slice.events).unwrap_or_default() {
            match event.body() {
                Some(EventBody::SourceRetrieved(data)) => partial.sources.push(data.source),
                Some(EventBody::OutputDelta(data)) => {
                    partial.draft.get_or_insert_default().push_str(&data.text);
                }
                Some(EventBody::OutputReset(_)) => partial.draft = None,
                Some(_) | None => {}
            }
        }
        Ok(partial)
    }
}

/// A snapshot in the contract's form, without its place in the queue: that is not in it.
pub(super) fn view(snapshot: Snapshot, partial_result: Option<PartialResult>) -> Job {
    let Snapshot { job, submission, read_at, .. } = snapshot;
    let next_attempt_at = match job.state {
        State::Retrying { run_at } => Some(run_at),
        State::Queued | State::Running { .. } | State::Cancelling { .. } | State::Ended(_) => None,
    };
    Job {
        id: job.id,
        state: job.state.name(),
        version: job.version,
        company_name: submission.company_name,
        question: submission.question,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at(),
        deadline_at: job.deadline_at,
        queue_deadline_at: job.queue_deadline_at,
        attempt: job.attempt,
        failures: job.failures,
        max_attempts: job.max_attempts,
        attempts: snapshot.attempts,
        next_attempt_at,
        steps: snapshot.steps,
        queue_position: None,
        labels: submission.labels,
        result: snapshot.result,
        partial_result,
        error: snapshot.error,
        usage: snapshot.usage,
        timeline: job.timeline(read_at),
        retry_of: snapshot.retry_of,
        model: submission.model,
        trace_id: job.trace.trace_id(),
        expires_at: job.expires_at(),
        links: Links::of(job.id),
    }
}
