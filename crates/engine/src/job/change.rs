//! Deciding: which events does a change give rise to, if the job's state allows it?

use std::time::Duration;

use contracts::event::{
    EventBody, JobAttemptFailed, JobCancelRequested, JobEndedWithError, JobRequeued, JobStarted,
    JobSucceeded, OutputReset, RequeueReason,
};
use contracts::{AnalysisResult, Code, Origin, Problem, Timestamp, WorkerId};

use super::{CRASHES_MAX, Ending, Job, State};

/// What may be asked of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A worker claims it.
    Start {
        /// The worker.
        worker: WorkerId,
        /// The workflow that the worker runs it with, if the job has none yet.
        pipeline_version: u32,
    },
    /// A worker claims it that does not know its workflow: nobody does any more. What was finished
    /// and shown so far is void.
    StartOver {
        /// The worker.
        worker: WorkerId,
        /// The workflow that the worker runs it with.
        pipeline_version: u32,
    },
    /// Its worker records work. The state stays.
    Work {
        /// What happened; none of it a `job.*` event.
        events: Vec<EventBody>,
    },
    /// Its worker failed at it and asks for another attempt. The job fails instead if it has no
    /// attempt left, or none that could begin before its deadline.
    Retry {
        /// What happened before the failure.
        events: Vec<EventBody>,
        /// The failure.
        error: Problem,
        /// From now to the next attempt.
        delay: Duration,
    },
    /// What it needs next is out: its worker gives it back until that is probed again, and no
    /// failure is counted. It waits past its deadline if need be, which ends it.
    Postpone {
        /// What happened before.
        events: Vec<EventBody>,
        /// What it waits for.
        error: Problem,
        /// From now to the next attempt.
        delay: Duration,
    },
    /// Its worker failed at it for good.
    Fail {
        /// What happened before the failure.
        events: Vec<EventBody>,
        /// The failure.
        error: Problem,
    },
    /// Its worker finished it.
    Succeed {
        /// What happened before the end.
        events: Vec<EventBody>,
        /// The answer.
        result: Box<AnalysisResult>,
    },
    /// Its worker hands it over, being shut down in order.
    Release,
    /// Its worker is gone.
    LoseLease,
    /// The client asks to end it.
    RequestCancel {
        /// Why, in the client's words.
        reason: Option<String>,
    },
    /// Its worker stopped because of a cancel, or had its time to.
    ConfirmCancel,
    /// Somebody looks at the clock.
    PassDeadline,
}

/// Why a change is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The job has ended, otherwise than asked for.
    #[error("the job has ended")]
    Ended,
    /// A cancel was accepted: only `cancelled` can follow.
    #[error("the job is being cancelled")]
    Cancelling,
    /// No worker holds the job.
    #[error("no worker holds the job")]
    NotRunning,
    /// A worker holds the job already.
    #[error("a worker holds the job")]
    AlreadyRunning,
    /// Its time has not come, or is over.
    #[error("the job is not due")]
    NotDue,
    /// Nobody asked to cancel it.
    #[error("no cancel was requested")]
    NoCancelRequested,
}

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its number, from 1.
    pub version: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The attempt it happened in.
    pub attempt: u32,
    /// What happened.
    pub body: EventBody,
}

impl Job {
    /// Makes a change: decides, applies, and returns what to append to the log, in order.
    ///
    /// An empty answer means that the job already was as asked (a cancel of a cancelled job, a
    /// deadline that has not passed). The job is untouched if the change is refused.
    ///
    /// # Errors
    /// The [`Refusal`] that the job's state calls for.
    pub fn change(&mut self, change: Change, now: Timestamp) -> Result<Vec<Recorded>, Refusal> {
        let now = now.max(self.last_event_at);
        let bodies = self.decide(change, now)?;
        let recorded = bodies.into_iter().map(|body| {
            self.apply(&body, now);
            Recorded { version: self.version, time: now, attempt: self.attempt, body }
        });
        Ok(recorded.collect())
    }

    fn decide(&self, change: Change, now: Timestamp) -> Result<Vec<EventBody>, Refusal> {
        match change {
            Change::Start { worker, pipeline_version: newest } => {
                let pipeline_version = self.pipeline_version.unwrap_or(newest);
                self.start(JobStarted { worker, pipeline_version }, now)
            }
            Change::StartOver { worker, pipeline_version } => {
                let mut events = self.start(JobStarted { worker, pipeline_version }, now)?;
                let reason = "no worker knows its workflow any more: it starts over".to_owned();
                events.push(EventBody::OutputReset(OutputReset { reason }));
                Ok(events)
            }
            Change::Work { events } => self.while_running().map(|()| events),
            Change::Retry { events, error, delay } => {
                self.while_running()?;
                Ok(self.retry(events, error, now.after(delay)))
            }
            Change::Postpone { mut events, error, delay } => {
                self.while_running()?;
                events.push(EventBody::JobRequeued(JobRequeued {
                    reason: RequeueReason::CircuitOpen,
                    next_attempt_at: Some(now.after(delay)),
                    error: Some(error),
                }));
                Ok(events)
            }
            Change::Fail { events, error } => {
                self.while_running()?;
                Ok(fail(events, error.clone(), error))
            }
            Change::Succeed { mut events, result } => {
                self.while_running()?;
                events.push(succeeded(*result));
                Ok(events)
            }
            Change::Release => self.release(),
            Change::LoseLease => self.lose_lease(),
            Change::RequestCancel { reason } => self.request_cancel(reason),
            Change::ConfirmCancel => self.confirm_cancel(),
            Change::PassDeadline => Ok(self.pass_deadline(now)),
        }
    }

    fn start(&self, started: JobStarted, now: Timestamp) -> Result<Vec<EventBody>, Refusal> {
        match self.state {
            State::Queued | State::Retrying { .. } if self.is_due(now) => {
                Ok(vec![EventBody::JobStarted(started)])
            }
            State::Queued | State::Retrying { .. } => Err(Refusal::NotDue),
            State::Running { .. } => Err(Refusal::AlreadyRunning),
            State::Cancelling { .. } => Err(Refusal::Cancelling),
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    const fn while_running(&self) -> Result<(), Refusal> {
        match self.state {
            State::Running { .. } => Ok(()),
            State::Cancelling { .. } => Err(Refusal::Cancelling),
            State::Queued | State::Retrying { .. } => Err(Refusal::NotRunning),
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    fn retry(
        &self,
        mut events: Vec<EventBody>,
        error: Problem,
        run_at: Timestamp,
    ) -> Vec<EventBody> {
        let failures = self.failures + 1;
        let why = if failures >= self.max_attempts {
            format!(
                "{failures} of {} attempts failed; the last one: {}",
                self.max_attempts, error.detail
            )
        } else if run_at >= self.deadline_at {
            format!(
                "attempt {} failed and the next one would begin after the deadline: {}",
                self.attempt, error.detail
            )
        } else {
            events.push(EventBody::JobAttemptFailed(JobAttemptFailed {
                error,
                will_retry: true,
                next_attempt_at: Some(run_at),
            }));
            return events;
        };
        let mut exhausted =
            self.problem(Code::AttemptsExhausted, error.origin, why).caused_by(&error);
        exhausted.step = error.step.clone();
        exhausted.attempt = error.attempt;
        fail(events, error, exhausted)
    }

    fn release(&self) -> Result<Vec<EventBody>, Refusal> {
        match self.state {
            State::Running { .. } => Ok(vec![requeued(RequeueReason::Drain)]),
            State::Cancelling { .. } => Ok(vec![self.cancelled()]),
            State::Queued | State::Retrying { .. } => Err(Refusal::NotRunning),
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    fn lose_lease(&self) -> Result<Vec<EventBody>, Refusal> {
        match self.state {
            State::Running { .. } if self.crash_count + 1 >= CRASHES_MAX => {
                let detail = format!("{CRASHES_MAX} workers died while they ran this job");
                let error = self.problem(Code::WorkerLost, Origin::Worker, detail);
                Ok(vec![EventBody::JobFailed(JobEndedWithError { error })])
            }
            State::Running { .. } => Ok(vec![requeued(RequeueReason::LeaseLost)]),
            State::Cancelling { .. } => Ok(vec![self.cancelled()]),
            State::Queued | State::Retrying { .. } => Err(Refusal::NotRunning),
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    fn request_cancel(&self, reason: Option<String>) -> Result<Vec<EventBody>, Refusal> {
        match self.state {
            State::Queued | State::Retrying { .. } => {
                Ok(vec![self.cancelled_because(reason.as_deref())])
            }
            State::Running { .. } => {
                Ok(vec![EventBody::JobCancelRequested(JobCancelRequested { reason })])
            }
            State::Cancelling { .. } | State::Ended(Ending::Cancelled) => Ok(Vec::new()),
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    fn confirm_cancel(&self) -> Result<Vec<EventBody>, Refusal> {
        match self.state {
            State::Cancelling { .. } => Ok(vec![self.cancelled()]),
            State::Queued | State::Running { .. } | State::Retrying { .. } => {
                Err(Refusal::NoCancelRequested)
            }
            State::Ended(_) => Err(Refusal::Ended),
        }
    }

    fn pass_deadline(&self, now: Timestamp) -> Vec<EventBody> {
        if !self.is_overdue(now) {
            return Vec::new();
        }
        let total_passed = now >= self.deadline_at;
        let end = match self.state {
            State::Cancelling { .. } => self.cancelled(),
            State::Ended(_) => return Vec::new(),
            State::Queued | State::Running { .. } | State::Retrying { .. } if self.attempt > 0 => {
                let detail =
                    format!("the deadline {} passed in attempt {}", self.deadline_at, self.attempt);
                let error = self.problem(Code::DeadlineExceeded, Origin::Worker, detail);
                EventBody::JobTimedOut(JobEndedWithError { error })
            }
            State::Queued | State::Running { .. } | State::Retrying { .. } => {
                let (code, at) = match self.queue_deadline_at {
                    Some(at) if !total_passed => (Code::QueueTimeout, at),
                    Some(_) | None => (Code::DeadlineExceeded, self.deadline_at),
                };
                let detail = format!("no worker started the job before {at}");
                let error = self.problem(code, Origin::Queue, detail);
                EventBody::JobExpired(JobEndedWithError { error })
            }
        };
        vec![end]
    }

    /// The reason of a cancel that a worker had to be told of is in `job.cancel_requested`.
    fn cancelled(&self) -> EventBody {
        self.cancelled_because(None)
    }

    fn cancelled_because(&self, reason: Option<&str>) -> EventBody {
        let mut detail = "the client cancelled the job".to_owned();
        if let Some(reason) = reason {
            detail = format!("{detail}: {reason}");
        }
        let error = self.problem(Code::CancelledByClient, Origin::Client, detail);
        EventBody::JobCancelled(JobEndedWithError { error })
    }

    fn problem(&self, code: Code, origin: Origin, detail: impl Into<String>) -> Problem {
        Problem::new(code, origin, detail).in_trace(self.trace.trace_id())
    }
}

fn fail(mut events: Vec<EventBody>, of_attempt: Problem, of_job: Problem) -> Vec<EventBody> {
    events.push(EventBody::JobAttemptFailed(JobAttemptFailed {
        error: of_attempt,
        will_retry: false,
        next_attempt_at: None,
    }));
    events.push(EventBody::JobFailed(JobEndedWithError { error: of_job }));
    events
}

/// The terminal event carries the result only where the envelope stays within its bound.
fn succeeded(result: AnalysisResult) -> EventBody {
    const ENVELOPE_BYTES: usize = 1024;
    let bytes = serde_json::to_vec(&result).map_or(usize::MAX, |json| json.len());
    let fits = bytes <= contracts::limits::EVENT_BYTES_MAX - ENVELOPE_BYTES;
    EventBody::JobSucceeded(JobSucceeded { result: fits.then_some(result), result_omitted: !fits })
}

fn requeued(reason: RequeueReason) -> EventBody {
    EventBody::JobRequeued(JobRequeued { reason, next_attempt_at: None, error: None })
}
