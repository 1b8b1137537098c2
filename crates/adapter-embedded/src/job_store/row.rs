//! A job's row, between the table and the domain.

use contracts::job::{Timeline, Usage};
use contracts::{JobId, JobState, Timestamp, WorkerId};
use engine::job::{Ending, Job, State};
use rusqlite::{Row, ToSql};
use uuid::Uuid;

use crate::fault::{Fault, from_stored, to_stored};

/// A named parameter.
pub(crate) type Param<'a> = (&'static str, &'a dyn ToSql);

/// A row of `jobs`, as SQLite has it.
pub(crate) struct JobRow {
    id: [u8; 16],
    tenant: String,
    traceparent: String,
    state: String,
    state_since: i64,
    epoch: i64,
    version: i64,
    write_no: i64,
    worker: Option<[u8; 16]>,
    run_at: Option<i64>,
    cancel_requested_at: Option<i64>,
    attempt: u32,
    failures: u32,
    max_attempts: u32,
    crash_count: u32,
    priority: u32,
    created_at: i64,
    started_at: Option<i64>,
    deadline_at: i64,
    queue_deadline_at: Option<i64>,
    overdue_at: i64,
    pipeline_version: Option<u32>,
    output_chars: i64,
    queued_ms: i64,
    running_ms: i64,
    backoff_ms: i64,
    last_event_at: i64,
    expires_at: Option<i64>,
    model_calls: u32,
    tool_calls: u32,
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: f64,
}

/// What a job's row holds, in the domain's words.
pub(crate) struct JobAndHolder {
    pub(crate) job: Job,
    /// The worker of the newest claim, also after it let go.
    pub(crate) holder: Option<WorkerId>,
    pub(crate) usage: Usage,
}

impl JobRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant: row.get("tenant")?,
            traceparent: row.get("traceparent")?,
            state: row.get("state")?,
            state_since: row.get("state_since")?,
            epoch: row.get("epoch")?,
            version: row.get("version")?,
            write_no: row.get("write_no")?,
            worker: row.get("worker")?,
            run_at: row.get("run_at")?,
            cancel_requested_at: row.get("cancel_requested_at")?,
            attempt: row.get("attempt")?,
            failures: row.get("failures")?,
            max_attempts: row.get("max_attempts")?,
            crash_count: row.get("crash_count")?,
            priority: row.get("priority")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            deadline_at: row.get("deadline_at")?,
            queue_deadline_at: row.get("queue_deadline_at")?,
            // Follows from the rest, and is only ever searched by.
            overdue_at: 0,
            pipeline_version: row.get("pipeline_version")?,
            output_chars: row.get("output_chars")?,
            queued_ms: row.get("queued_ms")?,
            running_ms: row.get("running_ms")?,
            backoff_ms: row.get("backoff_ms")?,
            last_event_at: row.get("last_event_at")?,
            expires_at: None,
            model_calls: row.get("model_calls")?,
            tool_calls: row.get("tool_calls")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cost_usd: row.get("cost_usd")?,
        })
    }

    pub(crate) fn of(stored: &JobAndHolder) -> Result<Self, Fault> {
        let JobAndHolder { job, holder, usage } = stored;
        let (run_at, cancel_requested_at) = match job.state {
            State::Retrying { run_at } => (Some(run_at), None),
            State::Cancelling { requested_at, .. } => (None, Some(requested_at)),
            State::Queued | State::Running { .. } | State::Ended(_) => (None, None),
        };
        Ok(Self {
            id: job.id.as_uuid().into_bytes(),
            tenant: job.tenant.as_str().to_owned(),
            traceparent: job.trace.to_string(),
            state: job.state.name().as_str().to_owned(),
            state_since: job.state_since.as_millis(),
            epoch: to_stored(job.epoch, "epoch")?,
            version: to_stored(job.version, "version")?,
            write_no: to_stored(job.write_no, "write number")?,
            worker: holder.map(|worker| worker.as_uuid().into_bytes()),
            run_at: run_at.map(Timestamp::as_millis),
            cancel_requested_at: cancel_requested_at.map(Timestamp::as_millis),
            attempt: job.attempt,
            failures: job.failures,
            max_attempts: job.max_attempts,
            crash_count: job.crash_count,
            priority: job.priority,
            created_at: job.created_at.as_millis(),
            started_at: job.started_at.map(Timestamp::as_millis),
            deadline_at: job.deadline_at.as_millis(),
            queue_deadline_at: job.queue_deadline_at.map(Timestamp::as_millis),
            overdue_at: overdue_at(job).as_millis(),
            pipeline_version: job.pipeline_version,
            output_chars: to_stored(job.output_chars, "length of the output")?,
            queued_ms: to_stored(job.spent.queued_ms, "time")?,
            running_ms: to_stored(job.spent.running_ms, "time")?,
            backoff_ms: to_stored(job.spent.backoff_ms, "time")?,
            last_event_at: job.last_event_at.as_millis(),
            expires_at: job.expires_at().map(Timestamp::as_millis),
            model_calls: usage.model_calls,
            tool_calls: usage.tool_calls,
            input_tokens: to_stored(usage.input_tokens, "number of tokens")?,
            output_tokens: to_stored(usage.output_tokens, "number of tokens")?,
            cost_usd: usage.cost_usd,
        })
    }

    /// What never changes.
    pub(crate) fn birth(&self) -> [Param<'_>; 7] {
        [
            (":tenant", &self.tenant),
            (":traceparent", &self.traceparent),
            (":max_attempts", &self.max_attempts),
            (":priority", &self.priority),
            (":created_at", &self.created_at),
            (":deadline_at", &self.deadline_at),
            (":queue_deadline_at", &self.queue_deadline_at),
        ]
    }

    /// The id, and what changes.
    pub(crate) fn life(&self) -> [Param<'_>; 26] {
        [
            (":id", &self.id),
            (":state", &self.state),
            (":state_since", &self.state_since),
            (":epoch", &self.epoch),
            (":version", &self.version),
            (":write_no", &self.write_no),
            (":worker", &self.worker),
            (":run_at", &self.run_at),
            (":cancel_requested_at", &self.cancel_requested_at),
            (":attempt", &self.attempt),
            (":failures", &self.failures),
            (":crash_count", &self.crash_count),
            (":started_at", &self.started_at),
            (":overdue_at", &self.overdue_at),
            (":pipeline_version", &self.pipeline_version),
            (":output_chars", &self.output_chars),
            (":queued_ms", &self.queued_ms),
            (":running_ms", &self.running_ms),
            (":backoff_ms", &self.backoff_ms),
            (":last_event_at", &self.last_event_at),
            (":expires_at", &self.expires_at),
            (":model_calls", &self.model_calls),
            (":tool_calls", &self.tool_calls),
            (":input_tokens", &self.input_tokens),
            (":output_tokens", &self.output_tokens),
            (":cost_usd", &self.cost_usd),
        ]
    }

    pub(crate) fn into_domain(self) -> Result<JobAndHolder, Fault> {
        let holder = self.worker.map(worker_id);
        let state = self.state(holder)?;
        let job = Job {
            id: job_id(self.id),
            tenant: self.tenant.parse().map_err(|_| Fault::Corrupt("tenant"))?,
            trace: self.traceparent.parse().map_err(|_| Fault::Corrupt("trace"))?,
            state,
            state_since: time(self.state_since),
            epoch: from_stored(self.epoch, "epoch")?,
            version: from_stored(self.version, "version")?,
            write_no: from_stored(self.write_no, "write number")?,
            attempt: self.attempt,
            failures: self.failures,
            max_attempts: self.max_attempts,
            crash_count: self.crash_count,
            priority: self.priority,
            created_at: time(self.created_at),
            started_at: self.started_at.map(time),
            deadline_at: time(self.deadline_at),
            queue_deadline_at: self.queue_deadline_at.map(time),
            pipeline_version: self.pipeline_version,
            output_chars: from_stored(self.output_chars, "length of the output")?,
            spent: Timeline {
                queued_ms: from_stored(self.queued_ms, "time")?,
                running_ms: from_stored(self.running_ms, "time")?,
                backoff_ms: from_stored(self.backoff_ms, "time")?,
            },
            last_event_at: time(self.last_event_at),
        };
        let usage = Usage {
            model_calls: self.model_calls,
            tool_calls: self.tool_calls,
            input_tokens: from_stored(self.input_tokens, "number of tokens")?,
            output_tokens: from_stored(self.output_tokens, "number of tokens")?,
            cost_usd: self.cost_usd,
        };
        Ok(JobAndHolder { job, holder, usage })
    }

    fn state(&self, holder: Option<WorkerId>) -> Result<State, Fault> {
        let worker = || holder.ok_or(Fault::Corrupt("worker"));
        let name = JobState::from_name(&self.state).ok_or(Fault::Corrupt("state"))?;
        Ok(match name {
            JobState::Queued => State::Queued,
            JobState::Running => State::Running { worker: worker()? },
            JobState::Retrying => {
                State::Retrying { run_at: self.run_at.map(time).ok_or(Fault::Corrupt("run_at"))? }
            }
            JobState::Cancelling => {
                let requested_at = self.cancel_requested_at.map(time);
                let requested_at = requested_at.ok_or(Fault::Corrupt("cancel_requested_at"))?;
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

pub(crate) const fn time(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) const fn job_id(bytes: [u8; 16]) -> JobId {
    JobId::from_uuid(Uuid::from_bytes(bytes))
}

pub(crate) const fn worker_id(bytes: [u8; 16]) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_bytes(bytes))
}

/// When [`Job::is_overdue`] becomes true.
fn overdue_at(job: &Job) -> Timestamp {
    match job.queue_deadline_at {
        Some(at) if job.attempt == 0 => at.min(job.deadline_at),
        Some(_) | None => job.deadline_at,
    }
}
