use async_trait::async_trait;
use contracts::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CallContext;
use crate::error_class::ErrorClass;

/// Something that a model may have called for a job: a calculator, a function of another system.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What it is, as the model is told.
    fn spec(&self) -> &ToolSpec;

    /// Calls it. `arguments` keep to the specification's `input_schema`. The call keeps within
    /// `call.left`, and its answer within the tool's bound.
    ///
    /// # Errors
    /// [`ToolError`]. One of a tool whose [`Effect`] is not to be repeated tells whether the
    /// effect may have come about.
    async fn call(&self, call: &CallContext, arguments: &Value) -> Result<String, ToolError>;
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

/// Why a tool did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It could not be reached, or broke.
    #[error("the tool is unavailable: {0}")]
    Unavailable(String),
    /// It did not answer in time.
    #[error("the tool did not answer in time")]
    Timeout,
    /// It, or the rules for it, refuse these arguments.
    #[error("the tool rejects the call: {0}")]
    Rejected(String),
    /// Its answer is larger than it may be, or no answer at all.
    #[error("the tool's answer is invalid: {0}")]
    Invalid(String),
}

impl ToolError {
    /// What the retry policy reads.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) => ErrorClass::Transient { retry_after: None },
            Self::Timeout => ErrorClass::Timeout,
            Self::Rejected(_) | Self::Invalid(_) => ErrorClass::Permanent,
        }
    }

    /// What the client reads.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Timeout => Code::ToolUnavailable,
            Self::Rejected(_) | Self::Invalid(_) => Code::ToolRejected,
        }
    }
}
