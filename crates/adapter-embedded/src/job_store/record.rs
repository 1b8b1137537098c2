//! Recording a change: read the row, let the machine decide, write everything that follows.

use contracts::event::{JobAttemptFailed, JobEndedWithError, LogEntry, StepKind};
use contracts::job::{AttemptOutcome, StepState, Usage};
use contracts::{AnalysisResult, Event, EventBody, JobId, Problem, Timestamp};
use engine::job::{Change, Job, Recorded, Refusal, Standing};
use engine::ports::{Committed, StepRecord};
use rusqlite::{OptionalExtension as _, named_params};

use super::row::{JobAndHolder, JobRow, Param};
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::names::{OUTCOMES, REQUEUE_REASONS, STEP_KINDS, STEP_STATES, word};
use crate::sql;

/// A job as it was read in this transaction, to be changed in it.
pub(crate) struct StoredJob {
    pub(crate) row: JobAndHolder,
    /// How the job stood then.
    before: Standing,
    read: ReadMark,
}

/// What the row must still show when it is written.
struct ReadMark {
    version: i64,
    epoch: i64,
    write_no: i64,
}

/// What the machine decided, with what a store keeps beside the log.
pub(crate) struct Decided {
    recorded: Vec<Recorded>,
    result: Option<AnalysisResult>,
}

impl StoredJob {
    /// The job, if there is one.
    pub(crate) fn load(tx: &Tx<'_>, id: JobId) -> Result<Option<Self>, Fault> {
        let mut select = tx.connection.prepare_cached(sql::SELECT_JOB)?;
        let row = select
            .query_row(named_params! { ":id": id.as_uuid().as_bytes() }, JobRow::read)
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let row = row.into_domain()?;
        let read = ReadMark {
            version: to_stored(row.job.version, "version")?,
            epoch: to_stored(row.job.epoch, "epoch")?,
            write_no: to_stored(row.job.write_no, "write number")?,
        };
        Ok(Some(Self { before: row.job.standing(), row, read }))
    }

    /// Makes a change and writes what follows from it, if anything does.
    pub(crate) fn change(
        mut self,
        tx: &Tx<'_>,
        change: Change,
    ) -> Result<Result<Committed, Refusal>, Fault> {
        let decided = match self.decide(change, tx.now) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if decided.recorded.is_empty() {
            let before = Some(self.before);
            return Ok(Ok(Committed { before, job: self.row.job, events: Vec::new() }));
        }
        self.save(tx, decided).map(Ok)
    }

    /// Lets the machine decide. The row in memory changes, the table does not yet.
    pub(crate) fn decide(&mut self, change: Change, now: Timestamp) -> Result<Decided, Refusal> {
        // The log may leave the result out, for its size; the store keeps it.
        let result = match &change {
            Change::Succeed { result, .. } => Some(result.as_ref().clone()),
            Change::Start { .. }
            | Change::StartOver { .. }
            | Change::Work { .. }
            | Change::Retry { .. }
            | Change::Postpone { .. }
            | Change::Fail { .. }
            | Change::Release
            | Change::LoseLease
            | Change::RequestCancel { .. }
            | Change::ConfirmCancel
            | Change::PassDeadline => None,
        };
        let recorded = self.row.job.change(change, now)?;
        self.row.holder = self.row.job.state.worker().or(self.row.holder);
        Ok(Decided { recorded, result })
    }

    /// Writes the row and all that follows from what was decided.
    pub(crate) fn save(self, tx: &Tx<'_>, decided: Decided) -> Result<Committed, Fault> {
        let Self { row, before, read } = self;
        let columns = JobRow::of(&row)?;
        let guard: [Param<'_>; 3] = [
            (":read_version", &read.version),
            (":read_epoch", &read.epoch),
            (":read_write_no", &read.write_no),
        ];
        let parameters: Vec<Param<'_>> = columns.life().into_iter().chain(guard).collect();
        let rows = tx.connection.prepare_cached(sql::UPDATE_JOB)?.execute(&*parameters)?;
        if rows != 1 {
            return Err(Fault::NotOneRow { statement: "update_job", rows });
        }
        let events = append(tx, &row, &decided.recorded)?;
        if let Some(result) = decided.result {
            keep_result(tx, row.job.id, Some(&result), None)?;
        }
        Ok(Committed { before: Some(before), job: row.job, events })
    }
}

/// Writes a job that was just created. `recorded` is its log so far.
pub(crate) fn insert(
    tx: &Tx<'_>,
    job: Job,
    recorded: &[Recorded],
    hinted_at: Option<Timestamp>,
) -> Result<Committed, Fault> {
    let row = JobAndHolder { job, holder: None, usage: Usage::default() };
    let columns = JobRow::of(&row)?;
    let hinted_at = hinted_at.map(Timestamp::as_millis);
    let hinted: [Param<'_>; 1] = [(":hinted_at", &hinted_at)];
    let parameters: Vec<Param<'_>> =
        columns.birth().into_iter().chain(columns.life()).chain(hinted).collect();
    tx.connection.prepare_cached(sql::INSERT_JOB)?.execute(&*parameters)?;
    let events = append(tx, &row, recorded)?;
    Ok(Committed { before: None, job: row.job, events })
}

/// Keeps finished steps. Each stands with the step that its events tell of.
pub(crate) fn keep_checkpoints(
    tx: &Tx<'_>,
    job_id: JobId,
    checkpoints: &[StepRecord],
) -> Result<(), Fault> {
    let mut keep = tx.connection.prepare_cached(sql::KEEP_CHECKPOINT)?;
    for checkpoint in checkpoints {
        let generation = checkpoint.corpus_generation;
        let generation = generation.map(|n| to_stored(n, "generation")).transpose()?;
        let rows = keep.execute(named_params! {
            ":job_id": job_id.as_uuid().as_bytes(),
            ":step": checkpoint.step,
            ":input_sha256": checkpoint.input_sha256,
            ":pipeline_version": checkpoint.pipeline_version,
            ":corpus_generation": generation,
            ":output": checkpoint.output,
        })?;
        if rows != 1 {
            return Err(Fault::Unstorable("a checkpoint of a step that is not done"));
        }
    }
    Ok(())
}

/// Appends to the log, and folds what is appended into the attempts, steps and results.
fn append(tx: &Tx<'_>, row: &JobAndHolder, recorded: &[Recorded]) -> Result<Vec<Event>, Fault> {
    let job = &row.job;
    let mut insert = tx.connection.prepare_cached(sql::INSERT_EVENT)?;
    let mut events = Vec::with_capacity(recorded.len());
    for event in recorded {
        let Recorded { version, time, attempt, ref body } = *event;
        let data = body.data();
        insert.execute(named_params! {
            ":job_id": job.id.as_uuid().as_bytes(),
            ":version": to_stored(version, "version")?,
            ":kind": body.kind(),
            ":time": time.as_millis(),
            ":attempt": attempt,
            ":data": serde_json::to_string(&data)?,
        })?;
        Folding { tx, row, event }.fold()?;
        let kind = body.kind().to_owned();
        let entry = LogEntry { version, time, attempt, kind, data };
        events.push(Event::from_entry(job.id, job.trace, entry));
    }
    Ok(events)
}

fn keep_result(
    tx: &Tx<'_>,
    job_id: JobId,
    result: Option<&AnalysisResult>,
    error: Option<&Problem>,
) -> Result<(), Fault> {
    let result = result.map(serde_json::to_string).transpose()?;
    let error = error.map(serde_json::to_string).transpose()?;
    tx.connection.prepare_cached(sql::INSERT_RESULT)?.execute(named_params! {
        ":job_id": job_id.as_uuid().as_bytes(),
        ":result": result,
        ":error": error,
    })?;
    Ok(())
}

/// One event on its way into the tables that clients see.
struct Folding<'a, 'c> {
    tx: &'a Tx<'c>,
    row: &'a JobAndHolder,
    event: &'a Recorded,
}

impl Folding<'_, '_> {
    fn fold(&self) -> Result<(), Fault> {
        match &self.event.body {
            EventBody::JobStarted(_) => self.open_attempt(),
            EventBody::JobAttemptFailed(JobAttemptFailed { error, .. }) => {
                self.close_attempt(AttemptOutcome::Failed, None, Some(error))
            }
            EventBody::JobRequeued(data) => {
                let reason = word(REQUEUE_REASONS, &data.reason)?;
                self.close_attempt(AttemptOutcome::Requeued, Some(reason), None)
            }
            EventBody::JobSucceeded(_) => self.close_attempt(AttemptOutcome::Succeeded, None, None),
            EventBody::JobFailed(JobEndedWithError { error })
            | EventBody::JobTimedOut(JobEndedWithError { error })
            | EventBody::JobExpired(JobEndedWithError { error })
            | EventBody::JobCancelled(JobEndedWithError { error }) => {
                self.close_attempt(AttemptOutcome::Ended, None, None)?;
                keep_result(self.tx, self.row.job.id, None, Some(error))
            }
            EventBody::StepStarted(data) => self.begin_step(&data.step, data.kind),
            EventBody::StepCompleted(data) => {
                self.end_step(&data.step, data.kind, StepState::Completed)
            }
            EventBody::StepFailed(data) => self.end_step(&data.step, data.kind, StepState::Failed),
            EventBody::StepSkipped(data) => {
                self.end_step(&data.step, data.kind, StepState::Skipped)
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

    fn open_attempt(&self) -> Result<(), Fault> {
        self.tx.connection.prepare_cached(sql::OPEN_ATTEMPT)?.execute(named_params! {
            ":job_id": self.row.job.id.as_uuid().as_bytes(),
            ":n": self.event.attempt,
            ":started_at": self.event.time.as_millis(),
            ":spent_before": serde_json::to_string(&self.row.usage)?,
        })?;
        Ok(())
    }

    /// Closes the attempt that is open. There may be none: it failed right before, or never began.
    fn close_attempt(
        &self,
        outcome: AttemptOutcome,
        requeue_reason: Option<&str>,
        error: Option<&Problem>,
    ) -> Result<(), Fault> {
        let error = error.map(serde_json::to_string).transpose()?;
        self.tx.connection.prepare_cached(sql::CLOSE_ATTEMPT)?.execute(named_params! {
            ":job_id": self.row.job.id.as_uuid().as_bytes(),
            ":n": self.event.attempt,
            ":finished_at": self.event.time.as_millis(),
            ":outcome": word(OUTCOMES, &outcome)?,
            ":requeue_reason": requeue_reason,
            ":error": error,
        })?;
        Ok(())
    }

    fn begin_step(&self, step: &str, kind: StepKind) -> Result<(), Fault> {
        self.tx.connection.prepare_cached(sql::BEGIN_STEP)?.execute(named_params! {
            ":job_id": self.row.job.id.as_uuid().as_bytes(),
            ":step": step,
            ":kind": word(STEP_KINDS, &kind)?,
            ":attempt": self.event.attempt,
            ":time": self.event.time.as_millis(),
        })?;
        Ok(())
    }

    fn end_step(&self, step: &str, kind: StepKind, state: StepState) -> Result<(), Fault> {
        self.tx.connection.prepare_cached(sql::END_STEP)?.execute(named_params! {
            ":job_id": self.row.job.id.as_uuid().as_bytes(),
            ":step": step,
            ":kind": word(STEP_KINDS, &kind)?,
            ":state": word(STEP_STATES, &state)?,
            ":attempt": self.event.attempt,
            ":time": self.event.time.as_millis(),
        })?;
        Ok(())
    }
}
