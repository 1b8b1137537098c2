//! Running one attempt at a job, from its claim to its end, a retry or a hand-over.

mod attempt;
mod calls;
mod earlier_calls;
mod ending;
mod interrupt;
mod output;
mod start_gate;
mod steps;
mod tool_calls;
mod tools;
mod writer;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use contracts::{Code, Origin, Problem, Submission, WorkerId};
use futures_util::FutureExt as _;
use telemetry::metrics;
use tokio_util::sync::CancellationToken;

use self::attempt::Attempt;
use self::interrupt::Interrupt;
use self::writer::Halt;
use crate::job::Change;
use crate::ports::{Claimed, JobStore, LanguageModel, ProgressBus, Retriever, StoreError, Toolbox};
use crate::retry::RetryPolicy;

pub use self::start_gate::{Renewals, StartGate};

/// Runs attempts: takes a claimed job through the steps that are not done yet.
pub struct RunJob {
    store: Arc<dyn JobStore>,
    bus: Arc<dyn ProgressBus>,
    retriever: Arc<dyn Retriever>,
    models: Vec<Arc<dyn LanguageModel>>,
    toolboxes: Vec<Arc<dyn Toolbox>>,
    policy: RetryPolicy,
    uniform: fn() -> f64,
}

/// The ports behind [`RunJob`].
pub struct RunJobPorts {
    /// The truth about jobs.
    pub store: Arc<dyn JobStore>,
    /// The way to the gateways.
    pub bus: Arc<dyn ProgressBus>,
    /// The documents.
    pub retriever: Arc<dyn Retriever>,
    /// The models; the first is the default.
    pub models: Vec<Arc<dyn LanguageModel>>,
    /// Where the tools are that the models may have called.
    pub toolboxes: Vec<Arc<dyn Toolbox>>,
}

/// Tells a running attempt to stop, or to begin nothing for now.
#[derive(Debug, Clone, Default)]
pub struct StopTokens {
    /// The client cancelled the job.
    pub cancel: CancellationToken,
    /// The worker is being shut down: hand the job over.
    pub drain: CancellationToken,
    /// What its calls wait for. A call that has begun goes on.
    pub gate: StartGate,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With the job's result, complete or partial.
    Succeeded,
    /// With an error; the store decided whether another attempt follows.
    Failed,
    /// What the job needs is out: it waits until that is probed again.
    Postponed,
    /// The job is cancelled.
    Cancelled,
    /// The job was handed over.
    Released,
    /// The deadline passed: the next sweep ends the job.
    Overdue,
    /// The job is not this worker's any more.
    Fenced,
    /// The store did not answer until the deadline.
    StoreLost,
}

impl Ended {
    /// The word for it in traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Postponed => "postponed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
            Self::Overdue => "overdue",
            Self::Fenced => "fenced",
            Self::StoreLost => "store_lost",
        }
    }
}

impl RunJob {
    /// Runs over these ports. `uniform` gives random numbers in `0.0..1.0`, for the jitter.
    ///
    /// # Panics
    /// If there is no model.
    #[must_use]
    pub fn new(ports: RunJobPorts, policy: RetryPolicy, uniform: fn() -> f64) -> Self {
        let RunJobPorts { store, bus, retriever, models, toolboxes } = ports;
        assert!(!models.is_empty(), "a worker needs a model");
        Self { store, bus, retriever, models, toolboxes, policy, uniform }
    }

    /// Runs an attempt until it ends or is told to stop.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future leaves the job to the loss of its lease.
    pub async fn run(&self, worker: WorkerId, claimed: Claimed, stop: &StopTokens) -> Ended {
        let mut attempt = Attempt::new(self, worker, claimed, stop);
        let outcome = AssertUnwindSafe(attempt.run()).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_panic| Err(attempt.panicked()));
        if outcome.is_err() {
            metrics::models::wasted(&attempt.unkept);
        }
        let ended = match outcome {
            Ok(()) => Ok(Ended::Succeeded),
            Err(Interrupt::Failed(failure)) => attempt.fail(*failure).await,
            Err(Interrupt::Out(outage)) => attempt.postpone(*outage).await,
            Err(Interrupt::Cancel) => attempt.end(Change::ConfirmCancel, Ended::Cancelled).await,
            Err(Interrupt::Drain) => attempt.end(Change::Release, Ended::Released).await,
            Err(Interrupt::Deadline) => Ok(Ended::Overdue),
            Err(Interrupt::Halt(halt)) => Err(halt),
        };
        match ended {
            Ok(ended) => ended,
            // A cancel that overtook another write: nothing but the confirmation is accepted now.
            Err(Halt::Cancelling) => {
                let confirmed = attempt.end(Change::ConfirmCancel, Ended::Cancelled).await;
                confirmed.unwrap_or_else(Halt::ended)
            }
            // Something in the write itself is refused: only this job fails.
            Err(Halt::Store(error @ StoreError::Rejected(_))) => {
                tracing::error!(error = &error as &dyn std::error::Error, "write refused");
                let detail = "the store refused what the step produced";
                let error = Problem::new(Code::Internal, Origin::Worker, detail);
                let failed = Change::Fail { events: Vec::new(), error };
                attempt.end(failed, Ended::Failed).await.unwrap_or_else(Halt::ended)
            }
            Err(halt) => halt.ended(),
        }
    }

    /// The model that a request chose, else the default.
    fn model(&self, submission: &Submission) -> &dyn LanguageModel {
        let chosen = submission.model.as_deref();
        let named = self.models.iter().find(|model| Some(model.name()) == chosen);
        named.unwrap_or(&self.models[0]).as_ref()
    }
}
