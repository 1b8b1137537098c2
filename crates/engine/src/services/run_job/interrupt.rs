//! Why an attempt does not go on, and what is told of it.

use std::time::Duration;

use contracts::{Code, Origin, Problem};

use super::attempt::Attempt;
use super::writer::Halt;
use crate::ErrorClass;
use crate::analysis::StepName;

/// Why an attempt does not go on.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// A step failed.
    Failed(Box<Failure>),
    /// A step cannot begin: what it needs is out.
    Out(Box<Outage>),
    /// The client cancelled the job.
    Cancel,
    /// The worker is being shut down.
    Drain,
    /// The job's time is over.
    Deadline,
    /// Nothing can be written any more.
    Halt(Halt),
}

impl From<Halt> for Interrupt {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// What went wrong in a step.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) step: StepName,
    pub(super) class: ErrorClass,
    pub(super) problem: Problem,
}

/// What a step waits for before it begins.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) problem: Problem,
    pub(super) probe_after: Duration,
}

impl Attempt<'_> {
    /// What `step` needs is out, so it does not begin.
    pub(super) fn out(&self, step: StepName, probe_after: Duration, problem: Problem) -> Interrupt {
        let class = ErrorClass::CircuitOpen { probe_after };
        let mut problem = self.told(step, class, problem);
        problem.retryable = Some(true);
        Interrupt::Out(Box::new(Outage { problem, probe_after }))
    }

    /// A failure of `step`.
    pub(super) fn failure(&self, step: StepName, class: ErrorClass, problem: Problem) -> Interrupt {
        let problem = self.told(step, class, problem);
        Interrupt::Failed(Box::new(Failure { step, class, problem }))
    }

    /// A problem with where it came about, and when to try again.
    fn told(&self, step: StepName, class: ErrorClass, problem: Problem) -> Problem {
        let mut problem = self.located(step, problem);
        problem.retry_after_s = match class {
            ErrorClass::Transient { retry_after } | ErrorClass::RateLimited { retry_after } => {
                retry_after.map(|wait| wait.as_secs())
            }
            // Not zero: it is out now.
            ErrorClass::CircuitOpen { probe_after } => Some(probe_after.as_secs().max(1)),
            ErrorClass::Timeout
            | ErrorClass::Permanent
            | ErrorClass::Cancelled
            | ErrorClass::Bug => None,
        };
        problem
    }

    /// The same problem, in this attempt's `step`.
    pub(super) fn located(&self, step: StepName, problem: Problem) -> Problem {
        let job = self.writer.job();
        let mut problem = problem.in_step(step.as_str()).in_trace(job.trace.trace_id());
        problem.attempt = Some(job.attempt);
        problem
    }

    /// A panic is the step's failure, not the worker's. Its words are in the log alone.
    pub(super) fn panicked(&self) -> Interrupt {
        let problem = Problem::new(Code::Internal, Origin::Worker, "an internal error in the step");
        self.failure(self.step, ErrorClass::Bug, problem)
    }

    /// A call of `step` took all of its time.
    pub(super) fn timed_out(&self, step: StepName) -> Interrupt {
        let (code, origin) = match step {
            StepName::Retrieve => (Code::SourceUnreachable, Origin::Source),
            StepName::Tools => (Code::ToolUnavailable, Origin::Tool),
            StepName::Synthesize => (Code::ModelTimeout, Origin::Model),
            StepName::Plan | StepName::Verify => (Code::Internal, Origin::Worker),
        };
        let detail = format!("no answer within {} s", step.limit().as_secs());
        self.failure(step, ErrorClass::Timeout, Problem::new(code, origin, detail))
    }
}
