//! How an attempt ends: with a result, with less than that, or without one.

use contracts::event::StepFailed;
use contracts::request::OnStepFailure;
use contracts::result::{Completeness, Confidence};
use contracts::{AnalysisResult, EventBody, Problem};
use telemetry::{metrics, spans};
use tokio::time::Instant;
use tracing::Span;

use super::Ended;
use super::attempt::Attempt;
use super::interrupt::{Failure, Outage};
use super::writer::{Attached, Halt};
use crate::ErrorClass;
use crate::analysis::StepName;
use crate::job::Change;
use crate::retry::Verdict;

impl Attempt<'_> {
    /// Ends the attempt with a result.
    pub(super) async fn succeed(&mut self, result: AnalysisResult) -> Result<(), Halt> {
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        let change = Change::Succeed { events, result: Box::new(result) };
        self.writer.write(change, attached).await
    }

    /// Ends the attempt without a result of its own. What was not written yet is dropped: the
    /// attempt that follows says it again.
    pub(super) async fn end(&mut self, change: Change, ended: Ended) -> Result<Ended, Halt> {
        self.writer.write(change, Attached::default()).await.map(|()| ended)
    }

    /// Ends the attempt with a failure: asks for another one, gives the job up, or settles for
    /// what was reached.
    pub(super) async fn fail(&mut self, failure: Failure) -> Result<Ended, Halt> {
        let Failure { step, class, mut problem } = failure;
        let job = self.writer.job();
        let verdict = self.run.policy.verdict(job.failures, class, (self.run.uniform)());
        let is_last = match verdict {
            Verdict::GiveUp => true,
            Verdict::WaitFor(_) => false,
            Verdict::RetryAfter(delay) => {
                job.failures + 1 >= job.max_attempts || Instant::now() + delay >= self.deadline
            }
        };
        problem.retryable = Some(!matches!(class, ErrorClass::Permanent));
        spans::failed(&Span::current(), problem.code.as_str());
        let failed = EventBody::StepFailed(StepFailed {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            error: problem.clone(),
        });
        self.events.push(failed);
        let after = self.step_began.elapsed();
        if is_last && self.settles_for_less(step) {
            let partial = self.partial(&problem);
            self.succeed(partial).await?;
            metrics::steps::failed(step.as_str(), after);
            return Ok(Ended::Succeeded);
        }
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        let (change, ended) = match verdict {
            Verdict::RetryAfter(delay) => {
                (Change::Retry { events, error: problem, delay }, Ended::Failed)
            }
            Verdict::WaitFor(delay) => {
                (Change::Postpone { events, error: problem, delay }, Ended::Postponed)
            }
            Verdict::GiveUp => (Change::Fail { events, error: problem }, Ended::Failed),
        };
        self.writer.write(change, attached).await?;
        metrics::steps::failed(step.as_str(), after);
        Ok(ended)
    }

    /// Ends the attempt without a failure: what comes next is out.
    pub(super) async fn postpone(&mut self, outage: Outage) -> Result<Ended, Halt> {
        let Outage { problem: error, probe_after: delay } = outage;
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        let change = Change::Postpone { events, error, delay };
        self.writer.write(change, attached).await.map(|()| Ended::Postponed)
    }

    /// Whether the client prefers less to an error.
    pub(super) fn prefers_less(&self) -> bool {
        match self.submission.on_step_failure.unwrap_or_default() {
            OnStepFailure::Partial => true,
            OnStepFailure::Fail => false,
        }
    }

    /// Whether the client prefers the evidence alone to an error: only what the model does can be
    /// done without, and only if there is evidence.
    fn settles_for_less(&self, step: StepName) -> bool {
        let is_the_models = matches!(step, StepName::Tools | StepName::Synthesize);
        self.prefers_less() && is_the_models && !self.sources.is_empty()
    }

    fn partial(&self, problem: &Problem) -> AnalysisResult {
        AnalysisResult {
            summary: String::new(),
            citations: Vec::new(),
            sources: self.sources.clone(),
            confidence: Confidence {
                value: 0.0,
                method: "none".to_owned(),
                basis: "no answer was written".to_owned(),
            },
            completeness: Completeness::Partial,
            gaps: [format!("no answer was written: {}", problem.detail)]
                .into_iter()
                .chain(self.gaps.iter().cloned())
                .collect(),
            model: self.run.model(&self.submission).name().to_owned(),
        }
    }
}
