//! Fenced writes, sent again until their outcome is known.

use std::sync::Arc;
use std::time::Duration;

use contracts::job::Usage;
use contracts::{Event, WorkerId};
use telemetry::metrics;
use tokio::time::Instant;

use super::Ended;
use super::earlier_calls::EarlierCalls;
use crate::job::{Change, Job};
use crate::ports::{
    Fence, JobStore, LogLimit, ProgressBus, StepRecord, StoreError, Write, Written,
};
use crate::services::publish;

/// The first wait before a write is sent again; it doubles up to [`RESEND_MAX`].
const RESEND_FIRST: Duration = Duration::from_millis(50);
const RESEND_MAX: Duration = Duration::from_secs(1);

/// Why nothing can be written any more.
#[derive(Debug)]
pub(super) enum Halt {
    /// The job is not this worker's any more.
    Fenced,
    /// A cancel was accepted: only its confirmation is written.
    Cancelling,
    /// The store did not answer in time, or refuses the value.
    Store(StoreError),
}

impl Halt {
    pub(super) fn ended(self) -> Ended {
        match self {
            Self::Fenced | Self::Cancelling => Ended::Fenced,
            Self::Store(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "job left to its lease");
                Ended::StoreLost
            }
        }
    }
}

/// What a write carries beside the change itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Attached {
    pub(super) checkpoints: Vec<StepRecord>,
    pub(super) usage: Usage,
}

/// Writes for one claim of one job, one after the other.
pub(super) struct JobWriter {
    store: Arc<dyn JobStore>,
    bus: Arc<dyn ProgressBus>,
    fence: Fence,
    job: Job,
    deadline: Instant,
}

impl JobWriter {
    /// Writes to a job that `worker` has just claimed.
    pub(super) fn new(
        store: Arc<dyn JobStore>,
        bus: Arc<dyn ProgressBus>,
        worker: WorkerId,
        job: Job,
        deadline: Instant,
    ) -> Self {
        let fence = Fence { job_id: job.id, worker, epoch: job.epoch, write_no: 0 };
        Self { store, bus, fence, job, deadline }
    }

    /// The job as the last write left it.
    pub(super) const fn job(&self) -> &Job {
        &self.job
    }

    /// Commits a change, and announces it.
    pub(super) async fn write(&mut self, change: Change, attached: Attached) -> Result<(), Halt> {
        self.fence.write_no += 1;
        let Attached { checkpoints, usage } = attached;
        let write = Write { fence: self.fence, change, checkpoints, usage };
        match self.send(write).await {
            // Refused, so its number is still free.
            Err(error) => {
                self.fence.write_no -= 1;
                Err(Halt::Store(error))
            }
            Ok(Written::Applied(committed)) => {
                publish(self.bus.as_ref(), &committed).await;
                self.job = committed.job;
                Ok(())
            }
            // The reply was lost, not the write; readers find its events in the log.
            Ok(Written::Again) => {
                metrics::store::write_repeated();
                Ok(())
            }
            Ok(Written::Cancelling) => {
                self.fence.write_no -= 1;
                Err(Halt::Cancelling)
            }
            Ok(Written::Fenced) => {
                metrics::store::write_fenced();
                Err(Halt::Fenced)
            }
        }
    }

    /// The calls of tools that were begun so far, as far as they are not known to be made or failed.
    pub(super) async fn earlier_calls(&self) -> Result<EarlierCalls, Halt> {
        const PAGE: LogLimit = LogLimit::events(500);
        let (mut calls, mut after) = (EarlierCalls::default(), 0);
        while after < self.job.version {
            let page =
                self.until_told(|| self.store.log(&self.job.tenant, self.job.id, after, PAGE));
            // A job that was deleted is nobody's.
            let Some(page) = page.await.map_err(Halt::Store)? else { return Err(Halt::Fenced) };
            let Some(last) = page.events.last() else { break };
            after = last.version();
            page.events.iter().filter_map(Event::body).for_each(|body| calls.add(body));
        }
        Ok(calls)
    }

    /// The same write is sent until the store says what became of it, or the deadline is near.
    async fn send(&self, write: Write) -> Result<Written, StoreError> {
        self.until_told(|| self.store.write(write.clone())).await
    }

    async fn until_told<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut wait = RESEND_FIRST;
        loop {
            let error = match ask().await {
                Ok(told) => return Ok(told),
                Err(error) => error,
            };
            let may_pass = match error {
                StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => true,
                StoreError::Rejected(_) => false,
            };
            if !may_pass || Instant::now() + wait >= self.deadline {
                return Err(error);
            }
            tracing::warn!(job_id = %self.fence.job_id, error = &error as &dyn std::error::Error, "the store is asked again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RESEND_MAX);
        }
    }
}
