//! What follows from events, beside the log: attempts, steps and results, as clients see them.

use std::collections::BTreeMap;

use contracts::event::{JobAttemptFailed, JobEndedWithError, StepKind};
use contracts::job::{AttemptOutcome, StepState, Usage};
use contracts::{AnalysisResult, EventBody, Problem};
use engine::job::Recorded;
use engine::ports::StepRecord;
use uuid::Uuid;

use crate::fault::{Fault, to_stored};
use crate::value::{Time, table, word};

table! {
    /// An attempt that begins.
    OpenedRow, OpenedColumns { job_id: Uuid, n: i32, started_at: Time, spent_before: Option<String>, }
}

table! {
    /// An attempt that ends.
    ClosedRow, ClosedColumns {
        job_id: Uuid,
        n: i32,
        finished_at: Time,
        outcome: String,
        requeue_reason: Option<String>,
        error: Option<String>,
    }
}

table! {
    /// A step, with its checkpoint if it has one.
    StepRow, StepColumns {
        job_id: Uuid,
        step: String,
        ordinal: i32,
        kind: String,
        state: String,
        attempt: i32,
        started_at: Time,
        finished_at: Option<Time>,
        input_sha256: Option<Vec<u8>>,
        pipeline_version: Option<i32>,
        corpus_generation: Option<i64>,
        output: Option<String>,
    }
}

table! {
    /// What came of a job.
    ResultRow, ResultColumns { job_id: Uuid, result: Option<String>, error: Option<String>, }
}

/// What is to be written beside a job's log.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    job_id: Uuid,
    opened: Option<OpenedRow>,
    closed: Option<ClosedRow>,
    steps: Steps,
    result: Option<ResultRow>,
}

/// The rows of a [`Fold`].
pub(crate) struct Folded {
    pub(crate) opened: Option<OpenedRow>,
    pub(crate) closed: Option<ClosedRow>,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) result: Option<ResultRow>,
}

impl Fold {
    /// Beside the log of a job with these steps so far.
    pub(crate) fn new(job_id: Uuid, steps: Vec<StepRow>) -> Self {
        let steps = Steps { known: steps, touched: BTreeMap::new() };
        Self { job_id, opened: None, closed: None, steps, result: None }
    }

    /// Adds an event. `result` is the answer of a job that succeeds: its event may leave it out,
    /// for its size.
    pub(crate) fn add(
        &mut self,
        event: &Recorded,
        result: Option<&AnalysisResult>,
    ) -> Result<(), Fault> {
        match &event.body {
            EventBody::JobStarted(_) => {
                let n = to_stored(event.attempt, "attempt")?;
                let started_at = Time(event.time);
                self.opened =
                    Some(OpenedRow { job_id: self.job_id, n, started_at, spent_before: None });
                Ok(())
            }
            EventBody::JobAttemptFailed(JobAttemptFailed { error, .. }) => {
                self.close(event, AttemptOutcome::Failed, Some(error))
            }
            EventBody::JobRequeued(data) => {
                self.close(event, AttemptOutcome::Requeued, None)?;
                let reason = word(data.reason)?;
                self.closed = self
                    .closed
                    .take()
                    .map(|closed| ClosedRow { requeue_reason: Some(reason), ..closed });
                Ok(())
            }
            EventBody::JobSucceeded(_) => {
                self.close(event, AttemptOutcome::Succeeded, None)?;
                self.end(result, None)
            }
            EventBody::JobFailed(JobEndedWithError { error })
            | EventBody::JobTimedOut(JobEndedWithError { error })
            | EventBody::JobExpired(JobEndedWithError { error })
            | EventBody::JobCancelled(JobEndedWithError { error }) => {
                self.close(event, AttemptOutcome::Ended, None)?;
                self.end(None, Some(error))
            }
            EventBody::StepStarted(data) => self.begin_step(event, &data.step, data.kind),
            EventBody::StepCompleted(data) => {
                self.end_step(event, &data.step, (data.kind, StepState::Completed))
            }
            EventBody::StepFailed(data) => {
                self.end_step(event, &data.step, (data.kind, StepState::Failed))
            }
            EventBody::StepSkipped(data) => {
                self.end_step(event, &data.step, (data.kind, StepState::Skipped))
            }
            EventBody::JobCreated(_)
            | EventBody::JobCancelRequested(_)
            | EventBody::StepProgress(_)
            | EventBody::ToolCallStarted(_)
            | EventBody::ToolCallCompleted(_)
            | EventBody::ToolCallFailed(_)
            | EventBody::SourceRetrieved(_)
            | EventBody::OutputDelta(_)
            | EventBody::OutputReset(_) => Ok(()),
        }
    }

    /// Keeps what the job had spent before the attempt that begins, if one does.
    pub(crate) fn begin_from(&mut self, spent: Usage) -> Result<(), Fault> {
        if let Some(opened) = &mut self.opened {
            opened.spent_before = Some(serde_json::to_string(&spent)?);
        }
        Ok(())
    }

    /// Keeps finished steps. Each stands with the step that its events tell of.
    pub(crate) fn keep(&mut self, checkpoints: &[StepRecord]) -> Result<(), Fault> {
        for checkpoint in checkpoints {
            let generation = checkpoint.corpus_generation;
            let row = self.steps.finished(&checkpoint.step)?;
            row.input_sha256 = Some(checkpoint.input_sha256.to_vec());
            row.pipeline_version =
                Some(to_stored(checkpoint.pipeline_version, "pipeline version")?);
            row.corpus_generation = generation.map(|n| to_stored(n, "generation")).transpose()?;
            row.output = Some(checkpoint.output.clone());
        }
        Ok(())
    }

    pub(crate) fn into_rows(self) -> Folded {
        let Self { opened, closed, steps, result, .. } = self;
        Folded { opened, closed, steps: steps.touched.into_values().collect(), result }
    }

    /// Closes the attempt that is open. It may be closed already: it failed right before; or it
    /// never began, and there is no row to close.
    fn close(
        &mut self,
        event: &Recorded,
        outcome: AttemptOutcome,
        error: Option<&Problem>,
    ) -> Result<(), Fault> {
        if self.closed.is_some() {
            return Ok(());
        }
        self.closed = Some(ClosedRow {
            job_id: self.job_id,
            n: to_stored(event.attempt, "attempt")?,
            finished_at: Time(event.time),
            outcome: word(outcome)?,
            requeue_reason: None,
            error: error.map(serde_json::to_string).transpose()?,
        });
        Ok(())
    }

    fn end(
        &mut self,
        result: Option<&AnalysisResult>,
        error: Option<&Problem>,
    ) -> Result<(), Fault> {
        let result = result.map(serde_json::to_string).transpose()?;
        let error = error.map(serde_json::to_string).transpose()?;
        self.result = Some(ResultRow { job_id: self.job_id, result, error });
        Ok(())
    }

    fn begin_step(&mut self, event: &Recorded, step: &str, kind: StepKind) -> Result<(), Fault> {
        let row = self.step(event, step, (kind, StepState::Running))?;
        row.started_at = Time(event.time);
        row.finished_at = None;
        Ok(())
    }

    /// A step may end without having begun: it was skipped, or taken over from another job.
    fn end_step(
        &mut self,
        event: &Recorded,
        step: &str,
        what: (StepKind, StepState),
    ) -> Result<(), Fault> {
        let row = self.step(event, step, what)?;
        row.finished_at = Some(Time(event.time));
        Ok(())
    }

    /// The row of a step that something happens to: its checkpoint, if it has one, is void.
    fn step(
        &mut self,
        event: &Recorded,
        step: &str,
        (kind, state): (StepKind, StepState),
    ) -> Result<&mut StepRow, Fault> {
        let row = self.steps.touch(self.job_id, step, Time(event.time))?;
        row.kind = word(kind)?;
        row.state = word(state)?;
        row.attempt = to_stored(event.attempt, "attempt")?;
        row.input_sha256 = None;
        row.pipeline_version = None;
        row.corpus_generation = None;
        row.output = None;
        Ok(row)
    }
}

/// The steps of a job, and those that are to be written.
#[derive(Debug, Clone)]
struct Steps {
    known: Vec<StepRow>,
    touched: BTreeMap<String, StepRow>,
}

impl Steps {
    /// The step's row; a new one if it never began.
    fn touch(&mut self, job_id: Uuid, step: &str, at: Time) -> Result<&mut StepRow, Fault> {
        let row = match self.known.iter().find(|known| known.step == step) {
            Some(known) => known.clone(),
            None => {
                let new = StepRow {
                    job_id,
                    step: step.to_owned(),
                    ordinal: to_stored(self.known.len() + 1, "number of steps")?,
                    kind: String::new(),
                    state: String::new(),
                    attempt: 0,
                    started_at: at,
                    finished_at: None,
                    input_sha256: None,
                    pipeline_version: None,
                    corpus_generation: None,
                    output: None,
                };
                self.known.push(new.clone());
                new
            }
        };
        Ok(self.touched.entry(step.to_owned()).or_insert(row))
    }

    /// The row of a step that is done.
    fn finished(&mut self, step: &str) -> Result<&mut StepRow, Fault> {
        let unfinished = || Fault::Unstorable("a checkpoint of a step that is not done");
        if !self.touched.contains_key(step) {
            let known = self.known.iter().find(|known| known.step == step);
            self.touched.insert(step.to_owned(), known.ok_or_else(unfinished)?.clone());
        }
        let row = self.touched.get_mut(step).ok_or_else(unfinished)?;
        if !matches!(row.state.as_str(), "completed" | "skipped") {
            return Err(unfinished());
        }
        Ok(row)
    }
}
