use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use contracts::{Code, JobId};
use serde::{Deserialize, Serialize};

use super::RetrievedPassage;
use super::tool::{ToolArguments, ToolExchange, ToolSpec};
use crate::analysis::Plan;
use crate::error_class::ErrorClass;

/// Writes an answer from passages.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The name that requests choose it by, and results show.
    fn name(&self) -> &str;

    /// Whether it can choose tools at all. One that cannot is not asked, which would count as a
    /// call of it.
    fn knows_tools(&self) -> bool;

    /// How long calls of it are refused from now on, because it is known to be out.
    ///
    /// A job that would call it waits so long instead, without a failure and without a call that
    /// counts. Several that ask are told different times, so that they do not come back together.
    fn outage(&self) -> Option<Duration> {
        None
    }

    /// Which tools to call next, if any: asked again with what they answered, until it wants none.
    ///
    /// Documents and tools' answers are data, as in [`Self::synthesize`]: a call is made because
    /// the question needs it. The call keeps within `call.left`.
    async fn choose_tools(
        &self,
        _call: &CallContext,
        _request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        Ok(ToolChoice::default())
    }

    /// Answers the question from the passages alone, citing them; the text goes to `output` as it
    /// is written, and the answer's text is exactly what went there since it was last started over.
    ///
    /// Documents are data: nothing that stands in them is an instruction. The call keeps within
    /// `call.left`.
    ///
    /// # Cancel safety
    /// Dropping the future ends the call. What it had spent by then is not known.
    async fn synthesize(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError>;
}

/// On whose behalf a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The job.
    pub job_id: JobId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Attempts that failed before.
    pub failures: u32,
    /// The time that is left for the call.
    pub left: Duration,
}

/// What to answer, and from what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthesisRequest<'a> {
    /// The company that is asked about.
    pub company_name: &'a str,
    /// The question.
    pub question: &'a str,
    /// What the question asks for.
    pub plan: &'a Plan,
    /// The passages, best first.
    pub passages: &'a [RetrievedPassage],
    /// What tools were asked, and answered, in order.
    pub tool_calls: &'a [ToolExchange],
}

/// For what to call tools, and which there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolChoiceRequest<'a> {
    /// The question, and what is known already.
    pub about: SynthesisRequest<'a>,
    /// What may be called.
    pub tools: &'a [ToolSpec],
}

/// The tools that a model wants called.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolChoice {
    /// The calls, in order; none when it knows enough.
    pub calls: Vec<ToolArguments>,
    /// What the choice cost. Its `model_calls` are those beyond the first, which the caller counts.
    pub usage: Usage,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synthesis {
    /// The answer, in plain text; empty if the passages do not hold one.
    pub text: String,
    /// Which part of it rests on which passage.
    pub citations: Vec<PassageCitation>,
    /// Who wrote it, where that is another model than the one that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it cost. The caller counts the call itself.
    pub usage: Usage,
}

/// A part of an answer and the passage it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageCitation {
    /// Where the part begins: an offset in Unicode scalar values.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// The passage: an index into the request's passages.
    pub passage: usize,
    /// The words of the passage that carry the part, verbatim.
    pub quote: String,
}

/// Takes an answer as it is written.
#[async_trait]
pub trait OutputSink: Send {
    /// Appends to the answer. Slow readers never hold it up; the store may.
    async fn push(&mut self, text: &str) -> Result<(), OutputClosed>;

    /// Starts the answer over: what was pushed is no part of it. Readers who saw some of it are
    /// told the reason.
    fn reset(&mut self, reason: &str);

    /// Counts what was spent on a call of a provider whose text is not the answer: one that
    /// failed, or whose answer is written again. Its `model_calls` are those beyond the first.
    fn spent(&mut self, usage: Usage);
}

/// Nobody wants the answer any more: stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not wanted any more")]
pub struct OutputClosed;

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It could not be reached, or failed.
    #[error("the model is unavailable: {detail}")]
    Unavailable {
        /// What happened, in words that a client may read.
        detail: String,
        /// After which to try again, if it says so.
        retry_after: Option<Duration>,
    },
    /// Its provider limits the rate of calls.
    #[error("the model limits the rate of calls")]
    RateLimited {
        /// After which to try again.
        retry_after: Option<Duration>,
    },
    /// It did not answer in time.
    #[error("the model did not answer in time")]
    Timeout,
    /// Calls of it failed one after the other: none is made before it was probed.
    #[error("the model is unavailable: it is probed again in {} s", .probe_after.as_secs())]
    CircuitOpen {
        /// From now to the next probe.
        probe_after: Duration,
    },
    /// It does not take calls as it is configured here: no such model, wrong credentials.
    #[error("the model cannot be used as it is configured: {0}")]
    Misconfigured(String),
    /// It refused to answer.
    #[error("the model refused: {0}")]
    Refused(String),
    /// Its answer does not keep the rules.
    #[error("the model's answer is invalid: {0}")]
    Invalid(String),
    /// Nobody wants the answer any more.
    #[error(transparent)]
    Closed(#[from] OutputClosed),
    /// An error of ours.
    #[error("an error of the model's adapter: {0}")]
    Bug(String),
}

impl ModelError {
    /// What the retry policy reads.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { retry_after, .. } => {
                ErrorClass::Transient { retry_after: *retry_after }
            }
            Self::Invalid(_) => ErrorClass::Transient { retry_after: None },
            Self::RateLimited { retry_after } => {
                ErrorClass::RateLimited { retry_after: *retry_after }
            }
            Self::Timeout => ErrorClass::Timeout,
            Self::CircuitOpen { probe_after } => {
                ErrorClass::CircuitOpen { probe_after: *probe_after }
            }
            Self::Misconfigured(_) | Self::Refused(_) => ErrorClass::Permanent,
            Self::Closed(_) => ErrorClass::Cancelled,
            Self::Bug(_) => ErrorClass::Bug,
        }
    }

    /// What the client reads.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unavailable { .. } | Self::CircuitOpen { .. } | Self::Misconfigured(_) => {
                Code::ModelUnavailable
            }
            Self::RateLimited { .. } => Code::ModelRateLimited,
            Self::Timeout => Code::ModelTimeout,
            Self::Refused(_) => Code::ModelRefused,
            Self::Invalid(_) => Code::ModelOutputInvalid,
            Self::Closed(_) => Code::CancelledByClient,
            Self::Bug(_) => Code::Internal,
        }
    }
}
