//! A job's row, between the table and the domain.

use contracts::job::{Timeline, Usage};
use contracts::{JobId, JobState, Timestamp, WorkerId};
use engine::job::{Ending, Job, State};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::fault::{Fault, from_stored, to_stored};
use crate::value::{ReadRow as _, Time, table};

table! {
    /// The id of a job, and what changes of its row.
    LifeRow, LifeColumns {
        id: Uuid,
        state: String,
        state_since: Time,
        epoch: i64,
        version: i64,
        write_no: i64,
        worker: Option<Uuid>,
        run_at: Option<Time>,
        cancel_requested_at: Option<Time>,
        attempt: i32,
        failures: i32,
        crash_count: i32,
        started_at: Option<Time>,
        overdue_at: Time,
        pipeline_version: Option<i32>,
        output_chars: i64,
        queued_ms: i64,
        running_ms: i64,
        backoff_ms: i64,
        last_event_at: Time,
        expires_at: Option<Time>,
        model_calls: i32,
        tool_calls: i32,
        input_tokens: i64,
        output_tokens: i64,
        cost_usd: f64,
        admitted: bool,
    }
}

table! {
    /// What never changes of a job's row.
    BirthRow, BirthColumns {
        tenant: String,
        traceparent: String,
        max_attempts: i32,
        priority: i32,
        created_at: Time,
        deadline_at: Time,
        queue_deadline_at: Option<Time>,
    }
}

table! {
    /// What a job's row must still show when it is written.
    MarkRow, MarkColumns {
        version: i64,
        epoch: i64,
        write_no: i64,
    }
}

/// What a job's row holds, in the domain's words.
#[derive(Debug, Clone)]
pub(crate) struct JobAndHolder {
    pub(crate) job: Job,
    /// The worker of the newest claim, also after it let go.
    pub(crate) holder: Option<WorkerId>,
    pub(crate) usage: Usage,
}

impl LifeRow {
    pub(crate) fn of(stored: &JobAndHolder) -> Result<Self, Fault> {
        let JobAndHolder { job, holder, usage } = stored;
        let (run_at, cancel_requested_at) = match job.state {
            State::Retrying { run_at } => (Some(run_at), None),
            State::Cancelling { requested_at, .. } => (None, Some(requested_at)),
            State::Queued | State::Running { .. } | State::Ended(_) => (None, None),
        };
        let pipeline_version = job.pipeline_version.map(|n| to_stored(n, "pipeline version"));
        Ok(Self {
            id: *job.id.as_uuid(),
            state: job.state.name().as_str().to_owned(),
            state_since: Time(job.state_since),
            epoch: to_stored(job.epoch, "epoch")?,
            version: to_stored(job.version, "version")?,
            write_no: to_stored(job.write_no, "write number")?,
            worker: holder.map(|worker| *worker.as_uuid()),
            run_at: run_at.map(Time),
            cancel_requested_at: cancel_requested_at.map(Time),
            attempt: to_stored(job.attempt, "attempt")?,
            failures: to_stored(job.failures, "number of failures")?,
            crash_count: to_stored(job.crash_count, "number of crashes")?,
            started_at: job.started_at.map(Time),
            overdue_at: Time(overdue_at(job)),
            pipeline_version: pipeline_version.transpose()?,
            output_chars: to_stored(job.output_chars, "length of the output")?,
            queued_ms: to_stored(job.spent.queued_ms, "time")?,
            running_ms: to_stored(job.spent.running_ms, "time")?,
            backoff_ms: to_stored(job.spent.backoff_ms, "time")?,
            last_event_at: Time(job.last_event_at),
            expires_at: job.expires_at().map(Time),
            model_calls: to_stored(usage.model_calls, "number of calls")?,
            tool_calls: to_stored(usage.tool_calls, "number of calls")?,
            input_tokens: to_stored(usage.input_tokens, "number of tokens")?,
            output_tokens: to_stored(usage.output_tokens, "number of tokens")?,
            cost_usd: usage.cost_usd,
            admitted: matches!(job.state, State::Queued),
        })
    }

    fn state(&self, holder: Option<WorkerId>) -> Result<State, Fault> {
        let worker = || holder.ok_or(Fault::Corrupt("worker"));
        let name = JobState::from_name(&self.state).ok_or(Fault::Corrupt("state"))?;
        Ok(match name {
            JobState::Queued => State::Queued,
            JobState::Running => State::Running { worker: worker()? },
            JobState::Retrying => {
                let Time(run_at) = self.run_at.ok_or(Fault::Corrupt("run_at"))?;
                State::Retrying { run_at }
            }
            JobState::Cancelling => {
                let requested_at = self.cancel_requested_at;
                let Time(requested_at) =
                    requested_at.ok_or(Fault::Corrupt("cancel_requested_at"))?;
                State::Cancelling { worker: worker()?, requested_at }
            }
            JobState::Succeeded => State::Ended(Ending::Succeeded),
            JobState::Failed => State::Ended(Ending::Failed),
            JobState::TimedOut => State::Ended(Ending::TimedOut),
            JobState::Expired => State::Ended(Ending::Expired),
            JobState::Cancelled => State::Ended(Ending::Cancelled),
        })
    }
}

impl BirthRow {
    pub(crate) fn of(job: &Job) -> Result<Self, Fault> {
        Ok(Self {
            tenant: job.tenant.as_str().to_owned(),
            traceparent: job.trace.to_string(),
            max_attempts: to_stored(job.max_attempts, "number of attempts")?,
            priority: to_stored(job.priority, "priority")?,
            created_at: Time(job.created_at),
            deadline_at: Time(job.deadline_at),
            queue_deadline_at: job.queue_deadline_at.map(Time),
        })
    }
}

impl JobAndHolder {
    pub(crate) fn read(row: &Row) -> Result<Self, Fault> {
        let (life, birth) = (LifeRow::read(row)?, BirthRow::read(row)?);
        let holder = life.worker.map(WorkerId::from_uuid);
        let state = life.state(holder)?;
        let pipeline_version = life.pipeline_version.map(|n| from_stored(n, "pipeline version"));
        let job = Job {
            id: JobId::from_uuid(life.id),
            tenant: birth.tenant.parse().map_err(|_| Fault::Corrupt("tenant"))?,
            trace: birth.traceparent.parse().map_err(|_| Fault::Corrupt("trace"))?,
            state,
            state_since: life.state_since.0,
            epoch: from_stored(life.epoch, "epoch")?,
            version: from_stored(life.version, "version")?,
            write_no: from_stored(life.write_no, "write number")?,
            attempt: from_stored(life.attempt, "attempt")?,
            failures: from_stored(life.failures, "number of failures")?,
            max_attempts: from_stored(birth.max_attempts, "number of attempts")?,
            crash_count: from_stored(life.crash_count, "number of crashes")?,
            priority: from_stored(birth.priority, "priority")?,
            created_at: birth.created_at.0,
            started_at: life.started_at.map(|Time(at)| at),
            deadline_at: birth.deadline_at.0,
            queue_deadline_at: birth.queue_deadline_at.map(|Time(at)| at),
            pipeline_version: pipeline_version.transpose()?,
            output_chars: from_stored(life.output_chars, "length of the output")?,
            spent: Timeline {
                queued_ms: from_stored(life.queued_ms, "time")?,
                running_ms: from_stored(life.running_ms, "time")?,
                backoff_ms: from_stored(life.backoff_ms, "time")?,
            },
            last_event_at: life.last_event_at.0,
        };
        let usage = Usage {
            model_calls: from_stored(life.model_calls, "number of calls")?,
            tool_calls: from_stored(life.tool_calls, "number of calls")?,
            input_tokens: from_stored(life.input_tokens, "number of tokens")?,
            output_tokens: from_stored(life.output_tokens, "number of tokens")?,
            cost_usd: life.cost_usd,
        };
        Ok(Self { job, holder, usage })
    }

    pub(crate) fn mark(&self) -> Result<MarkRow, Fault> {
        Ok(MarkRow {
            version: to_stored(self.job.version, "version")?,
            epoch: to_stored(self.job.epoch, "epoch")?,
            write_no: to_stored(self.job.write_no, "write number")?,
        })
    }
}

/// When [`Job::is_overdue`] becomes true.
fn overdue_at(job: &Job) -> Timestamp {
    match job.queue_deadline_at {
        Some(at) if job.attempt == 0 => at.min(job.deadline_at),
        Some(_) | None => job.deadline_at,
    }
}
