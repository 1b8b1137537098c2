//! Calls to the outside: each bounded in time, and ended when the attempt is.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::interrupt::Interrupt;
use crate::analysis::StepName;
use crate::faults::{self, Around};
use crate::ports::CallContext;

impl<'a> Attempt<'a> {
    /// What a call made now, that may take so long, is told about its job.
    pub(super) fn context(&self, limit: Duration) -> CallContext {
        let job = self.writer.job();
        let left = self.deadline.saturating_duration_since(Instant::now());
        CallContext {
            job_id: job.id,
            attempt: job.attempt,
            failures: job.failures,
            left: left.min(limit),
        }
    }

    /// What is left of the time of the step that began.
    pub(super) fn left_of(&self, step: StepName) -> Duration {
        step.limit().saturating_sub(self.step_began.elapsed())
    }

    /// A call that begins once one may. One that has begun goes on, whatever becomes of the lease.
    pub(super) fn through_the_gate<F>(
        &self,
        points: Around,
        call: F,
    ) -> impl Future<Output = F::Output> + Send + use<'a, F>
    where
        F: Future + Send,
    {
        let gate = &self.stop.gate;
        async move {
            gate.opened().await;
            faults::reach(points.before);
            let outcome = call.await;
            faults::reach(points.after);
            outcome
        }
    }

    /// Makes a call to the outside: within the step's limit and the job's deadline, until the
    /// attempt is told to stop.
    pub(super) async fn call<T>(
        &self,
        step: StepName,
        call: impl Future<Output = T> + Send,
    ) -> Result<T, Interrupt> {
        let outcome = self.call_within(self.left_of(step), call).await?;
        outcome.ok_or_else(|| self.timed_out(step))
    }

    /// Makes a call to the outside: for so long and within the job's deadline, until the attempt is
    /// told to stop. `None` if the time was not enough.
    pub(super) async fn call_within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = T> + Send,
    ) -> Result<Option<T>, Interrupt> {
        tokio::select! {
            biased;
            () = self.stop.cancel.cancelled() => Err(Interrupt::Cancel),
            () = self.stop.drain.cancelled() => Err(Interrupt::Drain),
            () = tokio::time::sleep_until(self.deadline) => Err(Interrupt::Deadline),
            () = tokio::time::sleep(limit) => Ok(None),
            outcome = call => Ok(Some(outcome)),
        }
    }
}
