//! What each type of event tells.

use serde::{Deserialize, Serialize};

use crate::ids::{JobId, WorkerId};
use crate::problem::Problem;
use crate::result::{AnalysisResult, Source};
use crate::time::Timestamp;

/// Data of `job.created`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobStarted {
    /// The incarnation of the worker that holds the job.
    pub worker: WorkerId,
    /// The version of the workflow that the job runs.
    pub pipeline_version: u32,
}

/// Data of `job.attempt_failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobRequeued {
    /// Why the worker gave the job up.
    pub reason: RequeueReason,
    /// When the next attempt may begin, of a job that waits for something: it is `retrying`, not
    /// `queued`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// What it waits for, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// Why a job went back to the queue without a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequeueReason {
    /// Its worker is being shut down in order.
    Drain,
    /// Its worker is gone.
    LeaseLost,
    /// What the job needs next, such as its model, is out: it waits until that is probed again.
    CircuitOpen,
}

/// Data of `job.cancel_requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobCancelRequested {
    /// Why, in the client's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Data of `job.succeeded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobEndedWithError {
    /// Why the job has no result. What was reached is in the job's `partial_result`.
    pub error: Problem,
}

/// What a step works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepMark {
    /// The step's name.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
}

/// Data of `step.progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolCall {
    /// The call's name within this job.
    pub call_id: String,
    /// The tool's name.
    pub tool: String,
}

/// Data of `tool_call.failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceRetrieved {
    /// The passage.
    pub source: Source,
    /// The job whose finished step was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_over_from: Option<JobId>,
}

/// Data of `output.delta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputDelta {
    /// Where the text goes: Unicode scalar values written since the last `output.reset`.
    pub offset: usize,
    /// The text.
    pub text: String,
}

/// Data of `output.reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputReset {
    /// Why the text starts over, in words.
    pub reason: String,
}
