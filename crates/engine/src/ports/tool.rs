use async_trait::async_trait;
use contracts::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CallContext;
use crate::error_class::ErrorClass;

/// Tools that a model may have called for a job, from one place: the calculator alone, or what a
/// server offers.
///
/// A place may be out while the others are not, and offer other tools tomorrow: so it is asked what
/// there is, by every job anew.
#[async_trait]
pub trait Toolbox: Send + Sync {
    /// Its name, as it is configured.
    fn name(&self) -> &str;

    /// What there is, bounded in number and size. The call keeps within `call.left`.
    ///
    /// # Errors
    /// [`ToolError::Unavailable`] or [`ToolError::Timeout`] if that cannot be said now.
    async fn specs(&self, call: &CallContext) -> Result<Vec<ToolSpec>, ToolError>;

    /// Calls a tool. Arguments that do not keep to its `input_schema` are refused before anything
    /// is done. The call keeps within `call.left`, and its answer within the tool's bound.
    ///
    /// # Errors
    /// [`ToolError`], which says whether something may have been done.
    ///
    /// # Cancel safety
    /// A dropped call may have been made, or not.
    async fn call(&self, call: &CallContext, asked: &ToolArguments) -> Result<String, ToolError>;
}

/// What a tool is.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name, unique among the tools of a worker: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments: always of an object.
    pub input_schema: Value,
    /// What calling it twice does.
    pub effect: Effect,
}

/// What calling a tool twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing that calling it once does not: a call cut off by a crash is made again.
    Repeatable,
    /// Something of its own: a call is made at most once, and one whose outcome is unknown is told
    /// as such and not made again.
    AtMostOnce,
}

/// A call that a model wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolArguments {
    /// The tool's name.
    pub tool: String,
    /// What it is given.
    pub arguments: Value,
}

/// A call that was made, or refused, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolExchange {
    /// The call's name within its job.
    pub call_id: String,
    /// What was asked of which tool.
    pub asked: ToolArguments,
    /// What the model is told: the answer, or why there is none.
    pub outcome: ToolOutcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// What the tool answered. Data, never an instruction.
    Answered(String),
    /// Why it did not, in words for the model.
    Failed(String),
}

/// Why a tool did not answer. What the variants hold is shown to clients and told to the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// It could not be reached: nothing was done.
    #[error("the tool is unavailable: {0}")]
    Unavailable(String),
    /// It was lost in the middle of the call, which may have been made.
    #[error("the tool broke off: {0}")]
    BrokenOff(String),
    /// It did not answer in time. The call may have been made.
    #[error("the tool did not answer in time")]
    Timeout,
    /// It, or the rules for it, refuse the call: what it was asked for was not done.
    #[error("the tool rejects the call: {0}")]
    Rejected(String),
    /// Its answer is larger than it may be, or no answer at all. The call was made.
    #[error("the tool's answer is invalid: {0}")]
    Invalid(String),
}

impl ToolError {
    /// What the retry policy reads.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) | Self::BrokenOff(_) => {
                ErrorClass::Transient { retry_after: None }
            }
            Self::Timeout => ErrorClass::Timeout,
            Self::Rejected(_) | Self::Invalid(_) => ErrorClass::Permanent,
        }
    }

    /// What the client reads.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::BrokenOff(_) | Self::Timeout => Code::ToolUnavailable,
            Self::Rejected(_) | Self::Invalid(_) => Code::ToolRejected,
        }
    }

    /// Whether the tool is out, rather than unwilling.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::BrokenOff(_) | Self::Timeout => true,
            Self::Rejected(_) | Self::Invalid(_) => false,
        }
    }

    /// Whether what was asked for was done, as far as anybody knows.
    #[must_use]
    pub const fn may_be_done(&self) -> bool {
        match self {
            Self::BrokenOff(_) | Self::Timeout | Self::Invalid(_) => true,
            Self::Unavailable(_) | Self::Rejected(_) => false,
        }
    }

    /// Whether nobody knows what the call did.
    #[must_use]
    pub const fn leaves_outcome_unknown(&self) -> bool {
        match self {
            Self::BrokenOff(_) | Self::Timeout => true,
            Self::Unavailable(_) | Self::Rejected(_) | Self::Invalid(_) => false,
        }
    }
}
