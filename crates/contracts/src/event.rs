//! The events of a job's log.
//!
//! [`Event`] is the envelope, CloudEvents 1.0 JSON, the same value in the log, on SSE, WebSocket,
//! webhook and bus. It carries its data as JSON, so that a reader passes on types of a newer
//! release that it does not know; [`EventBody`] is what this release writes and understands.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{JobId, WorkerId};
use crate::problem::Problem;
use crate::result::{AnalysisResult, Source};
use crate::time::Timestamp;
use crate::trace::TraceContext;

/// One event of a job's log, in its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `1.0`, the version of CloudEvents.
    pub specversion: String,
    /// `<job>/<version>`: unique, and the same however often the event is delivered.
    pub id: String,
    /// `/v1/analysis`.
    pub source: String,
    /// The job.
    pub subject: JobId,
    /// The event's type, such as `step.completed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was recorded.
    pub time: Timestamp,
    /// The event's version as ten decimal digits, so that text sorts like numbers.
    pub sequence: String,
    /// The job's trace.
    pub traceparent: TraceContext,
    /// The attempt it happened in; 0 before the first.
    pub attempt: u32,
    /// What happened; its form depends on the type.
    pub data: Value,
}

/// An entry of a job's log: what a store keeps of an event. The rest of the envelope follows from
/// the job.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The event's number in its job's log, from 1.
    pub version: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The attempt it happened in; 0 before the first.
    pub attempt: u32,
    /// The event's type.
    pub kind: String,
    /// What happened.
    pub data: Value,
}

impl Event {
    /// An entry of the log of job `subject` in its envelope.
    #[must_use]
    pub fn from_entry(subject: JobId, traceparent: TraceContext, entry: LogEntry) -> Self {
        let LogEntry { version, time, attempt, kind, data } = entry;
        Self {
            specversion: "1.0".to_owned(),
            id: format!("{subject}/{version}"),
            source: "/v1/analysis".to_owned(),
            subject,
            kind,
            time,
            sequence: format!("{version:010}"),
            traceparent,
            attempt,
            data,
        }
    }

    /// The event's number in its job's log, from 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.sequence.parse().unwrap_or(0)
    }

    /// Whether this is the last event of its log.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        EventBody::TERMINAL_TYPES.contains(&self.kind.as_str())
    }

    /// What happened, if this release knows the type.
    #[must_use]
    pub fn body(&self) -> Option<EventBody> {
        EventBody::from_parts(&self.kind, self.data.clone())
    }
}

/// What may happen to a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    /// The job was accepted. Always version 1.
    #[serde(rename = "job.created")]
    JobCreated(JobCreated),
    /// An attempt began.
    #[serde(rename = "job.started")]
    JobStarted(JobStarted),
    /// An attempt ended with an error of its own, and counts as a failure. A terminal event follows
    /// at once unless it `will_retry`.
    #[serde(rename = "job.attempt_failed")]
    JobAttemptFailed(JobAttemptFailed),
    /// An attempt ended without a failure of its own; another worker takes over.
    #[serde(rename = "job.requeued")]
    JobRequeued(JobRequeued),
    /// A cancel was accepted while a worker held the job.
    #[serde(rename = "job.cancel_requested")]
    JobCancelRequested(JobCancelRequested),
    /// The job ended with a result.
    #[serde(rename = "job.succeeded")]
    JobSucceeded(JobSucceeded),
    /// The job ended with an error.
    #[serde(rename = "job.failed")]
    JobFailed(JobEndedWithError),
    /// The deadline passed after work began.
    #[serde(rename = "job.timed_out")]
    JobTimedOut(JobEndedWithError),
    /// The deadline passed before any attempt.
    #[serde(rename = "job.expired")]
    JobExpired(JobEndedWithError),
    /// The client ended the job.
    #[serde(rename = "job.cancelled")]
    JobCancelled(JobEndedWithError),
    /// A step began.
    #[serde(rename = "step.started")]
    StepStarted(StepMark),
    /// A step went on.
    #[serde(rename = "step.progress")]
    StepProgress(StepProgress),
    /// A step is done, and is not run again.
    #[serde(rename = "step.completed")]
    StepCompleted(StepCompleted),
    /// A step failed.
    #[serde(rename = "step.failed")]
    StepFailed(StepFailed),
    /// A step had nothing to do.
    #[serde(rename = "step.skipped")]
    StepSkipped(StepSkipped),
    /// A tool was called.
    #[serde(rename = "tool_call.started")]
    ToolCallStarted(ToolCall),
    /// A tool answered.
    #[serde(rename = "tool_call.completed")]
    ToolCallCompleted(ToolCall),
    /// A tool failed.
    #[serde(rename = "tool_call.failed")]
    ToolCallFailed(ToolCallFailed),
    /// A passage was found.
    #[serde(rename = "source.retrieved")]
    SourceRetrieved(SourceRetrieved),
    /// The answer grew.
    #[serde(rename = "output.delta")]
    OutputDelta(OutputDelta),
    /// The answer starts over from nothing.
    #[serde(rename = "output.reset")]
    OutputReset(OutputReset),
}

impl EventBody {
    /// The types that end a log.
    pub const TERMINAL_TYPES: [&'static str; 5] =
        ["job.succeeded", "job.failed", "job.timed_out", "job.expired", "job.cancelled"];

    /// The event's type on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::JobCreated(_) => "job.created",
            Self::JobStarted(_) => "job.started",
            Self::JobAttemptFailed(_) => "job.attempt_failed",
            Self::JobRequeued(_) => "job.requeued",
            Self::JobCancelRequested(_) => "job.cancel_requested",
            Self::JobSucceeded(_) => "job.succeeded",
            Self::JobFailed(_) => "job.failed",
            Self::JobTimedOut(_) => "job.timed_out",
            Self::JobExpired(_) => "job.expired",
            Self::JobCancelled(_) => "job.cancelled",
            Self::StepStarted(_) => "step.started",
            Self::StepProgress(_) => "step.progress",
            Self::StepCompleted(_) => "step.completed",
            Self::StepFailed(_) => "step.failed",
            Self::StepSkipped(_) => "step.skipped",
            Self::ToolCallStarted(_) => "tool_call.started",
            Self::ToolCallCompleted(_) => "tool_call.completed",
            Self::ToolCallFailed(_) => "tool_call.failed",
            Self::SourceRetrieved(_) => "source.retrieved",
            Self::OutputDelta(_) => "output.delta",
            Self::OutputReset(_) => "output.reset",
        }
    }

    /// The body of an event of this type; `None` if this release does not know it.
    #[must_use]
    pub fn from_parts(kind: &str, data: Value) -> Option<Self> {
        serde_json::from_value(serde_json::json!({"type": kind, "data": data})).ok()
    }

    /// The event's data.
    ///
    /// # Panics
    /// Never: every body is a plain struct with string keys.
    #[must_use]
    pub fn data(&self) -> Value {
        let data = match self {
            Self::JobCreated(data) => serde_json::to_value(data),
            Self::JobStarted(data) => serde_json::to_value(data),
            Self::JobAttemptFailed(data) => serde_json::to_value(data),
            Self::JobRequeued(data) => serde_json::to_value(data),
            Self::JobCancelRequested(data) => serde_json::to_value(data),
            Self::JobSucceeded(data) => serde_json::to_value(data),
            Self::JobFailed(data)
            | Self::JobTimedOut(data)
            | Self::JobExpired(data)
            | Self::JobCancelled(data) => serde_json::to_value(data),
            Self::StepStarted(data) => serde_json::to_value(data),
            Self::StepProgress(data) => serde_json::to_value(data),
            Self::StepCompleted(data) => serde_json::to_value(data),
            Self::StepFailed(data) => serde_json::to_value(data),
            Self::StepSkipped(data) => serde_json::to_value(data),
            Self::ToolCallStarted(data) | Self::ToolCallCompleted(data) => {
                serde_json::to_value(data)
            }
            Self::ToolCallFailed(data) => serde_json::to_value(data),
            Self::SourceRetrieved(data) => serde_json::to_value(data),
            Self::OutputDelta(data) => serde_json::to_value(data),
            Self::OutputReset(data) => serde_json::to_value(data),
        };
        data.expect("an event's data is a struct with string keys")
    }
}

/// Data of `job.created`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCreated {
    /// The company that is asked about.
    pub company_name: String,
    /// The question; its beginning, where all of it would make the event too large. The job has it
    /// whole. See [`crate::limits::EVENT_QUESTION_BYTES_MAX`].
    pub question: String,
    /// Failures after which the job is given up.
    pub max_attempts: u32,
    /// 0 to 9, higher first.
    pub priority: u32,
    /// When the job ends, whatever it is doing.
    pub deadline_at: Timestamp,
    /// By when it must have started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_deadline_at: Option<Timestamp>,
    /// The job that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
}

/// Data of `job.started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStarted {
    /// The incarnation of the worker that holds the job.
    pub worker: WorkerId,
    /// The version of the workflow that the job runs.
    pub pipeline_version: u32,
}

/// Data of `job.attempt_failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobAttemptFailed {
    /// What went wrong.
    pub error: Problem,
    /// Whether another attempt follows.
    pub will_retry: bool,
    /// When the next attempt begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// Data of `job.requeued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequeued {
    /// Why the worker gave the job up.
    pub reason: RequeueReason,
}

/// Why a job went back to the queue without a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequeueReason {
    /// Its worker is being shut down in order.
    Drain,
    /// Its worker is gone.
    LeaseLost,
}

/// Data of `job.cancel_requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCancelRequested {
    /// Why, in the client's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Data of `job.succeeded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSucceeded {
    /// The answer, where it fits into an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AnalysisResult>,
    /// Set when the answer is too large for an event: read the job.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub result_omitted: bool,
}

/// Data of the terminal events other than `job.succeeded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEndedWithError {
    /// Why the job has no result. What was reached is in the job's `partial_result`.
    pub error: Problem,
}

/// What a step works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Documents.
    Retrieval,
    /// Tools.
    Tool,
    /// A language model, or the rules that stand in for one.
    Model,
}

/// Data of `step.started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepMark {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
}

/// Data of `step.progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepProgress {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
    /// How far it is, in words.
    pub message: String,
}

/// Data of `step.completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCompleted {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
    /// Milliseconds it took; 0 for a step taken over from another job.
    pub duration_ms: u64,
    /// The job whose finished step was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_over_from: Option<JobId>,
}

/// Data of `step.failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFailed {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
    /// What went wrong.
    pub error: Problem,
}

/// Data of `step.skipped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSkipped {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
    /// Why there was nothing to do.
    pub reason: String,
}

/// Data of `tool_call.started` and `tool_call.completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's name within this job.
    pub call_id: String,
    /// The tool's name.
    pub tool: String,
}

/// Data of `tool_call.failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCallFailed {
    /// The call's name within this job.
    pub call_id: String,
    /// The tool's name.
    pub tool: String,
    /// What went wrong.
    pub error: Problem,
}

/// Data of `source.retrieved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRetrieved {
    /// The passage.
    pub source: Source,
    /// The job whose finished step was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_over_from: Option<JobId>,
}

/// Data of `output.delta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDelta {
    /// Where the text goes: Unicode scalar values written since the last `output.reset`.
    pub offset: usize,
    /// The text.
    pub text: String,
}

/// Data of `output.reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReset {
    /// Why the text starts over, in words.
    pub reason: String,
}

/// One page of a job's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events after the asked-for version, in order.
    pub events: Vec<Event>,
    /// The `after` that asks for what follows.
    pub next_after: u64,
    /// The newest version of the log.
    pub head: u64,
}
