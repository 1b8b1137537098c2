//! Applying: what an event makes of a job. The stored row is the fold of the log.

use contracts::event::{EventBody, JobCreated, RequeueReason};
use contracts::job::Timeline;
use contracts::{JobId, TenantId, Timestamp, TraceContext};

use super::{Ending, Job, Recorded, State};

/// What a job is from its birth on, beside its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The job's id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The trace it belongs to.
    pub trace: TraceContext,
}

/// A log that cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first event is not `job.created`, version 1.
    #[error("the log does not begin with job.created")]
    NoBeginning,
    /// The versions have a hole or a repetition.
    #[error("version {found} follows version {after}")]
    NotConsecutive {
        /// The version before.
        after: u64,
        /// The version found.
        found: u64,
    },
    /// Something follows a terminal event.
    #[error("version {found} follows the end of the log")]
    AfterEnd {
        /// The version found.
        found: u64,
    },
}

impl Job {
    /// A new job, with the event to begin its log with.
    #[must_use]
    pub fn create(identity: Identity, data: JobCreated, at: Timestamp) -> (Self, Recorded) {
        let Identity { id, tenant, trace } = identity;
        let job = Self {
            id,
            tenant,
            trace,
            state: State::Queued,
            state_since: at,
            epoch: 0,
            version: 1,
            write_no: 0,
            attempt: 0,
            failures: 0,
            max_attempts: data.max_attempts,
            crash_count: 0,
            priority: data.priority,
            created_at: at,
            started_at: None,
            deadline_at: data.deadline_at,
            queue_deadline_at: data.queue_deadline_at,
            pipeline_version: None,
            output_chars: 0,
            spent: Timeline::default(),
            last_event_at: at,
        };
        let body = EventBody::JobCreated(data);
        (job, Recorded { version: 1, time: at, attempt: 0, body })
    }

    /// The job that a complete log describes. Only `write_no` is not in the log; it is 0.
    ///
    /// # Errors
    /// [`ReplayError`] if this is not the log of one job from its beginning.
    pub fn replay<'a>(
        identity: Identity,
        log: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, ReplayError> {
        let mut log = log.into_iter();
        let Some(Recorded { version: 1, time, body: EventBody::JobCreated(data), .. }) = log.next()
        else {
            return Err(ReplayError::NoBeginning);
        };
        let (mut job, _) = Self::create(identity, data.clone(), *time);
        for event in log {
            if event.version != job.version + 1 {
                return Err(ReplayError::NotConsecutive {
                    after: job.version,
                    found: event.version,
                });
            }
            if job.is_ended() {
                return Err(ReplayError::AfterEnd { found: event.version });
            }
            job.apply(&event.body, event.time);
        }
        Ok(job)
    }

    /// Adds one event that the machine decided on.
    pub(super) fn apply(&mut self, event: &EventBody, at: Timestamp) {
        self.version += 1;
        self.last_event_at = at;
        match event {
            EventBody::JobCreated(_) => {}
            EventBody::JobCancelRequested(_) => {
                if let State::Running { worker } = self.state {
                    self.enter(State::Cancelling { worker, requested_at: at }, at);
                }
            }
            EventBody::JobStarted(data) => {
                self.enter(State::Running { worker: data.worker }, at);
                self.epoch += 1;
                self.write_no = 0;
                self.attempt += 1;
                self.started_at = self.started_at.or(Some(at));
                self.pipeline_version = Some(data.pipeline_version);
            }
            EventBody::JobAttemptFailed(data) => {
                self.failures += 1;
                if let Some(run_at) = data.next_attempt_at {
                    self.enter(State::Retrying { run_at }, at);
                }
            }
            EventBody::JobRequeued(data) => {
                let waiting = data.next_attempt_at;
                self.enter(waiting.map_or(State::Queued, |run_at| State::Retrying { run_at }), at);
                match data.reason {
                    RequeueReason::Drain | RequeueReason::CircuitOpen => {}
                    RequeueReason::LeaseLost => {
                        self.epoch += 1;
                        self.crash_count += 1;
                    }
                }
            }
            EventBody::JobSucceeded(_) => self.enter(State::Ended(Ending::Succeeded), at),
            EventBody::JobFailed(_) => self.enter(State::Ended(Ending::Failed), at),
            EventBody::JobTimedOut(_) => self.enter(State::Ended(Ending::TimedOut), at),
            EventBody::JobExpired(_) => self.enter(State::Ended(Ending::Expired), at),
            EventBody::JobCancelled(_) => self.enter(State::Ended(Ending::Cancelled), at),
            EventBody::StepCompleted(_) | EventBody::StepSkipped(_) => self.crash_count = 0,
            EventBody::OutputDelta(data) => {
                let end = data.offset + data.text.chars().count();
                self.output_chars = u64::try_from(end).unwrap_or(u64::MAX);
            }
            EventBody::OutputReset(_) => self.output_chars = 0,
            EventBody::StepStarted(_)
            | EventBody::StepProgress(_)
            | EventBody::StepFailed(_)
            | EventBody::ToolCallStarted(_)
            | EventBody::ToolCallCompleted(_)
            | EventBody::ToolCallFailed(_)
            | EventBody::SourceRetrieved(_) => {}
        }
    }

    fn enter(&mut self, state: State, at: Timestamp) {
        self.spent = self.spent_until(at);
        self.state = state;
        self.state_since = at;
    }
}
