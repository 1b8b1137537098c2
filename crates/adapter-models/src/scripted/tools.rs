use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{CallContext, Effect, ToolArguments, ToolError, ToolSpec, Toolbox};
use serde::Deserialize;
use serde_json::json;

use super::Script;
use super::ledger::Ledger;

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 1_000_000;
const REASON: &str = "the script asks for it";

/// Two tools that do what their arguments ask for: `scripted_read`, which may be called twice, and
/// `scripted_write`, which may not.
#[derive(Debug, Default)]
pub struct ScriptedTools {
    ledger: Option<Ledger>,
}

/// What the arguments of both can be; all of them may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// How long the call takes, in milliseconds.
    delay_ms: u64,
    /// How it fails.
    fail: Option<Failure>,
    /// The attempts that fail so; all of them if it is left out.
    failures: Option<u32>,
    /// The bytes of the answer.
    answer_bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Failure {
    Unavailable,
    BrokenOff,
    Timeout,
    Rejected,
    Invalid,
}

impl ScriptedTools {
    /// Tools whose calls are written down in the file `ledger`, with the tool's name as the step.
    #[must_use]
    pub fn new(ledger: Option<PathBuf>) -> Self {
        Self { ledger: ledger.map(Ledger::new) }
    }
}

#[async_trait]
impl Toolbox for ScriptedTools {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn specs(&self, _: &CallContext) -> Result<Vec<ToolSpec>, ToolError> {
        let spec = |name: &str, effect| ToolSpec {
            name: name.to_owned(),
            description: "Does what its arguments ask for.".to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "delay_ms": {"type": "integer"},
                    "fail": {"type": "string"},
                    "failures": {"type": "integer"},
                    "answer_bytes": {"type": "integer"},
                },
                "additionalProperties": false,
            }),
            effect,
        };
        Ok(vec![
            spec("scripted_read", Effect::Repeatable),
            spec("scripted_write", Effect::AtMostOnce),
        ])
    }

    async fn call(&self, call: &CallContext, asked: &ToolArguments) -> Result<String, ToolError> {
        let name = match asked.tool.as_str() {
            "scripted_read" => "scripted_read",
            "scripted_write" => "scripted_write",
            _ => return Err(ToolError::Rejected("there is no such tool".to_owned())),
        };
        if let Some(ledger) = &self.ledger {
            let written = ledger.append(call, name);
            written.map_err(|error| ToolError::Unavailable(error.to_string()))?;
        }
        let wanted = serde_json::from_value::<Wanted>(asked.arguments.clone());
        let wanted = wanted.map_err(|error| ToolError::Rejected(error.to_string()))?;
        let delay = Duration::from_millis(wanted.delay_ms).min(Script::DELAY_MAX);
        tokio::time::sleep(delay).await;
        let is_to_fail = wanted.failures.is_none_or(|times| call.failures < times);
        match wanted.fail.filter(|_| is_to_fail) {
            None => Ok(answer(wanted.answer_bytes)),
            Some(Failure::Unavailable) => Err(ToolError::Unavailable(REASON.to_owned())),
            Some(Failure::BrokenOff) => Err(ToolError::BrokenOff(REASON.to_owned())),
            Some(Failure::Timeout) => Err(ToolError::Timeout),
            Some(Failure::Rejected) => Err(ToolError::Rejected(REASON.to_owned())),
            Some(Failure::Invalid) => Err(ToolError::Invalid(REASON.to_owned())),
        }
    }
}

fn answer(bytes: Option<usize>) -> String {
    match bytes {
        None => "It is done.".to_owned(),
        Some(bytes) => "x".repeat(bytes.min(ANSWER_BYTES_MAX)),
    }
}
