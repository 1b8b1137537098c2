//! The events of a job's log.
//!
//! [`Event`] is the envelope, CloudEvents 1.0 JSON, the same value in the log, on SSE, WebSocket,
//! webhook and bus. It carries its data as JSON, so that a reader passes on types of a newer
//! release that it does not know; [`EventBody`] is what this release writes and understands.

mod data;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::JobId;
use crate::time::Timestamp;
use crate::trace::TraceContext;

pub use self::data::{
    JobAttemptFailed, JobCancelRequested, JobCreated, JobEndedWithError, JobRequeued, JobStarted,
    JobSucceeded, OutputDelta, OutputReset, RequeueReason, SourceRetrieved, StepCompleted,
    StepFailed, StepKind, StepMark, StepProgress, StepSkipped, ToolCall, ToolCallFailed,
};

/// One event of a job's log, in its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// One page of a job's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventPage {
    /// The events after the asked-for version, in order.
    pub events: Vec<Event>,
    /// The `after` that asks for what follows.
    pub next_after: u64,
    /// The newest version of the log.
    pub head: u64,
}
