//! What every step of an attempt needs: bounded calls, checkpoints, and an end.
//!
//! What a step has to say is kept until the next call to the outside begins, and then written in
//! one transaction: a job of five steps takes few of them, and nothing is called before what came
//! before it is durable.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use contracts::event::{StepCompleted, StepFailed, StepMark, StepSkipped};
use contracts::job::Usage;
use contracts::request::OnStepFailure;
use contracts::result::{Completeness, Confidence, Source};
use contracts::{AnalysisResult, Code, EventBody, Origin, Problem, Submission, WorkerId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::writer::{Attached, Halt, JobWriter};
use super::{Ended, RunJob, StopTokens};
use crate::ErrorClass;
use crate::analysis::{PIPELINE_VERSION, StepName, input_sha256};
use crate::faults::{self, Around};
use crate::job::Change;
use crate::ports::{CallContext, Claimed, StepRecord};
use crate::retry::Verdict;

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

/// One attempt at one job.
pub(super) struct Attempt<'a> {
    pub(super) run: &'a RunJob,
    pub(super) submission: Submission,
    pub(super) writer: JobWriter,
    /// The sources found so far, for an answer that remains partial.
    pub(super) sources: Vec<Source>,
    /// What the job spent, this attempt included.
    pub(super) spent: Usage,
    /// What did not work and is no failure, in words for the client.
    pub(super) gaps: Vec<String>,
    stop: &'a StopTokens,
    done: BTreeMap<String, StepRecord>,
    deadline: Instant,
    /// The step that began last.
    step: StepName,
    step_began: Instant,
    events: Vec<EventBody>,
    attached: Attached,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        run: &'a RunJob,
        worker: WorkerId,
        claimed: Claimed,
        stop: &'a StopTokens,
    ) -> Self {
        let deadline = Instant::now() + claimed.left;
        let (store, bus) = (Arc::clone(&run.store), Arc::clone(&run.bus));
        let writer = JobWriter::new(store, bus, worker, claimed.committed.job, deadline);
        let done = claimed.done.into_iter().map(|record| (record.step.clone(), record)).collect();
        Self {
            run,
            submission: claimed.submission,
            writer,
            sources: Vec::new(),
            spent: claimed.usage,
            gaps: Vec::new(),
            stop,
            done,
            deadline,
            step: StepName::Plan,
            step_began: Instant::now(),
            events: Vec::new(),
            attached: Attached::default(),
        }
    }

    /// What a finished step produced, if it is finished.
    pub(super) fn output_of<T: DeserializeOwned>(&self, step: StepName) -> Option<T> {
        self.output_of_part(step.as_str())
    }

    /// What a finished step, or part of one, produced, if it is finished.
    pub(super) fn output_of_part<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let record = self.done.get(name)?;
        match serde_json::from_str(&record.output) {
            Ok(output) => Some(output),
            Err(error) => {
                let job_id = self.writer.job().id;
                tracing::error!(%job_id, step = name, %error, "checkpoint not readable");
                None
            }
        }
    }

    /// Whether a step is finished.
    pub(super) fn is_done(&self, step: StepName) -> bool {
        self.done.contains_key(step.as_str())
    }

    /// Says that a step begins.
    pub(super) fn begin(&mut self, step: StepName) {
        self.step = step;
        self.step_began = Instant::now();
        let mark = StepMark { step: step.as_str().to_owned(), kind: step.kind() };
        self.events.push(EventBody::StepStarted(mark));
    }

    /// Says that the step that began is finished, and keeps what it produced.
    pub(super) fn complete(&mut self, step: StepName, output: &impl Serialize, seen: Option<u64>) {
        let duration_ms = u64::try_from(self.step_began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.events.push(EventBody::StepCompleted(StepCompleted {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            duration_ms,
            taken_over_from: None,
        }));
        self.keep(step.as_str(), output, seen);
    }

    /// Says that a step has nothing to do, and keeps what is to be known of that.
    pub(super) fn skip(&mut self, step: StepName, reason: &str, output: &impl Serialize) {
        self.events.push(EventBody::StepSkipped(StepSkipped {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            reason: reason.to_owned(),
        }));
        self.keep(step.as_str(), output, None);
    }

    /// Says something else, to be written with what follows.
    pub(super) fn say(&mut self, events: impl IntoIterator<Item = EventBody>) {
        self.events.extend(events);
    }

    /// Counts what was spent, to be written with what follows.
    pub(super) fn spend(&mut self, usage: Usage) {
        self.spent = self.spent.plus(usage);
        self.attached.usage = self.attached.usage.plus(usage);
    }

    /// Writes what was said and kept.
    pub(super) async fn flush(&mut self) -> Result<(), Halt> {
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        self.writer.write(Change::Work { events }, attached).await
    }

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
        let failed = EventBody::StepFailed(StepFailed {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            error: problem.clone(),
        });
        self.events.push(failed);
        if is_last && self.settles_for_less(step) {
            let partial = self.partial(&problem);
            return self.succeed(partial).await.map(|()| Ended::Succeeded);
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
        self.writer.write(change, attached).await.map(|()| ended)
    }

    /// Ends the attempt without a failure: what comes next is out.
    pub(super) async fn postpone(&mut self, outage: Outage) -> Result<Ended, Halt> {
        let Outage { problem: error, probe_after: delay } = outage;
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        let change = Change::Postpone { events, error, delay };
        self.writer.write(change, attached).await.map(|()| Ended::Postponed)
    }

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

    /// Keeps what a step, or a part of one, produced.
    pub(super) fn keep(&mut self, name: &str, output: &impl Serialize, seen: Option<u64>) {
        let output = serde_json::to_string(output).unwrap_or_default();
        self.attached.checkpoints.push(StepRecord {
            step: name.to_owned(),
            input_sha256: input_sha256(name, &self.submission),
            pipeline_version: PIPELINE_VERSION,
            corpus_generation: seen,
            output,
        });
    }

    fn timed_out(&self, step: StepName) -> Interrupt {
        let (code, origin) = match step {
            StepName::Retrieve => (Code::SourceUnreachable, Origin::Source),
            StepName::Tools => (Code::ToolUnavailable, Origin::Tool),
            StepName::Synthesize => (Code::ModelTimeout, Origin::Model),
            StepName::Plan | StepName::Verify => (Code::Internal, Origin::Worker),
        };
        let detail = format!("no answer within {} s", step.limit().as_secs());
        self.failure(step, ErrorClass::Timeout, Problem::new(code, origin, detail))
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
