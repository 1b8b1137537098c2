//! A job as a client sees it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{RequeueReason, StepKind};
use crate::ids::JobId;
use crate::problem::Problem;
use crate::result::{AnalysisResult, PartialResult};
use crate::time::Timestamp;

/// The states of a job: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Durable, waiting for a worker.
    Queued,
    /// A worker holds a live lease.
    Running,
    /// Backing off until `next_attempt_at`, without a lease.
    Retrying,
    /// A cancel was accepted; the worker is being stopped.
    Cancelling,
    /// Ended with a result.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because the deadline passed after work began.
    TimedOut,
    /// Ended because the deadline passed before any attempt.
    Expired,
    /// Ended by the client.
    Cancelled,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Cancelling,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Expired,
        Self::Cancelled,
    ];

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Retrying | Self::Cancelling => false,
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Expired | Self::Cancelled => {
                true
            }
        }
    }

    /// The state's name on the wire and in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its state.
    pub state: JobState,
    /// The number of its newest event, from 1.
    pub version: u64,
    /// The company that is asked about.
    pub company_name: String,
    /// The question.
    pub question: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When it ends, whatever it is doing.
    pub deadline_at: Timestamp,
    /// By when it must have started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_deadline_at: Option<Timestamp>,
    /// The number of the latest attempt; 0 before the first.
    pub attempt: u32,
    /// Attempts that failed; a hand-over is none.
    pub failures: u32,
    /// Failures after which it is given up.
    pub max_attempts: u32,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// When the next attempt begins, while it is `retrying`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Its steps, in order of their start.
    pub steps: Vec<Step>,
    /// While it waits for nothing but a worker: its place among its tenant's jobs that do, in the
    /// order in which they are given out, from 1, which is the next. Other tenants' jobs do not
    /// count, though they start in between. An estimate, at most a second old: it moves without an
    /// event and outside the `ETag`. Absent beyond 1,000, in a list, and in the answer that has
    /// just accepted the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::limits::QUEUE_POSITION_MAX)))]
    pub queue_position: Option<u32>,
    /// The client's own marks.
    pub labels: BTreeMap<String, String>,
    /// The answer, once it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AnalysisResult>,
    /// What was reached, beside an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_result: Option<PartialResult>,
    /// Why it ended without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What it spent.
    pub usage: Usage,
    /// Where its time went.
    pub timeline: Timeline,
    /// The job that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
    /// The model that the request asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The id of its trace.
    pub trace_id: String,
    /// When it is deleted, once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where to go from here.
    pub links: Links,
}

/// One attempt at a job: from `job.started` to a failure, a hand-over or the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// What made it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Why it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requeue_reason: Option<RequeueReason>,
    /// What it spent. A call is counted before it begins, its tokens and its cost when it ends:
    /// what a call took that a crash cut off is not known. What attempts spent that did not
    /// succeed is wasted, save for the steps that later ones went on from. Absent from attempts
    /// of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// With the job's result.
    Succeeded,
    /// With an error; counted as a failure.
    Failed,
    /// Handed over to another worker; not counted.
    Requeued,
    /// The job ended around it: cancelled or timed out.
    Ended,
}

/// One step of the workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// Its name: `plan`, `retrieve`, `tools`, `synthesize` or `verify`.
    pub step: String,
    /// What it works with.
    pub kind: StepKind,
    /// How far it is.
    pub state: StepState,
    /// The attempt that it last ran in.
    pub attempt: u32,
    /// When it last began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was begun.
    Running,
    /// It is done and is not run again.
    Completed,
    /// It failed; a further attempt may run it again.
    Failed,
    /// There was nothing to do.
    Skipped,
}

/// What a job spent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// Calls of language models.
    pub model_calls: u32,
    /// Calls of tools.
    pub tool_calls: u32,
    /// Tokens sent to models.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// US dollars.
    pub cost_usd: f64,
}

impl Usage {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            model_calls: self.model_calls.saturating_add(other.model_calls),
            tool_calls: self.tool_calls.saturating_add(other.tool_calls),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_usd: self.cost_usd + other.cost_usd,
        }
    }

    /// What was added to an earlier sum. Costs are told to a billionth of a dollar.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        const PARTS: f64 = 1e9;
        let cost_usd = ((self.cost_usd - earlier.cost_usd).max(0.0) * PARTS).round() / PARTS;
        Self {
            model_calls: self.model_calls.saturating_sub(earlier.model_calls),
            tool_calls: self.tool_calls.saturating_sub(earlier.tool_calls),
            input_tokens: self.input_tokens.saturating_sub(earlier.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(earlier.output_tokens),
            cost_usd,
        }
    }
}

/// Where a job's time went. The three add up to `finished_at - created_at`, or to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timeline {
    /// Milliseconds as `queued`.
    pub queued_ms: u64,
    /// Milliseconds as `running` or `cancelling`.
    pub running_ms: u64,
    /// Milliseconds as `retrying`.
    pub backoff_ms: u64,
}

/// Where to go from a job: paths on the same server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Links {
    /// The job.
    #[serde(rename = "self")]
    pub this: String,
    /// Its log.
    pub events: String,
    /// Its log as a stream over WebSocket.
    pub stream: String,
    /// Where to cancel it.
    pub cancel: String,
}

impl Links {
    /// The links of job `id`.
    #[must_use]
    pub fn of(id: JobId) -> Self {
        let this = format!("/v1/analysis/{id}");
        Self {
            events: format!("{this}/events"),
            stream: format!("{this}/events"),
            cancel: format!("{this}/cancel"),
            this,
        }
    }
}

/// One page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobPage {
    /// The jobs, ordered by (`created_at`, `id`), descending.
    pub jobs: Vec<Job>,
    /// Asks for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
