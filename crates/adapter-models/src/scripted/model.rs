use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, PassageCitation, Synthesis,
    SynthesisRequest, ToolArguments, ToolChoice, ToolChoiceRequest, ToolExchange, ToolOutcome,
};
use serde_json::json;

use super::{SCRIPTED_TEXT, Script, ScriptedCall, ScriptedClass, ScriptedStep, Stage};

/// How many bytes of a long answer are pushed at once.
const PIECE_BYTES: usize = 1_000;
/// How much of a tool's answer is repeated.
const ANSWER_CHARS_MAX: usize = 200;

/// A model that gives every question the same answer, as the question's script asks, and what the
/// tools said that the script has called.
#[derive(Debug)]
pub struct ScriptedModel {
    choice: Stage,
    stage: Stage,
}

impl ScriptedModel {
    /// A model whose calls take `latency`, and are written down in the file `ledger`, one line of
    /// JSON each: `{"job_id", "step", "attempt"}`.
    #[must_use]
    pub fn new(latency: Duration, ledger: Option<PathBuf>) -> Self {
        let choice = Stage::new(ScriptedStep::Tools, latency, ledger.clone());
        Self { choice, stage: Stage::new(ScriptedStep::Synthesize, latency, ledger) }
    }
}

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn name(&self) -> &str {
        "scripted"
    }

    fn knows_tools(&self) -> bool {
        true
    }

    /// # Errors
    /// As [`Self::synthesize`].
    async fn choose_tools(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        let about = request.about;
        let script =
            Script::of(about.question).map_err(|error| ModelError::Refused(error.to_string()))?;
        let wanted = script.tools.len() * script.tool_rounds.unwrap_or(1) as usize;
        if about.tool_calls.len() >= wanted {
            return Ok(ToolChoice::default());
        }
        self.choice.enter(call).map_err(|error| ModelError::Bug(error.to_string()))?;
        self.choice.wait(&script).await;
        if let Some(class) = self.choice.failure(&script, call) {
            return Err(model_error(class));
        }
        let calls = script.tools.iter().map(arguments).collect();
        Ok(ToolChoice { calls, usage: Usage::default() })
    }

    /// # Errors
    /// What the script asks for; [`ModelError::Refused`] naming the word that no script has.
    async fn synthesize(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        self.stage.enter(call).map_err(|error| ModelError::Bug(error.to_string()))?;
        let script =
            Script::of(request.question).map_err(|error| ModelError::Refused(error.to_string()))?;
        self.stage.wait(&script).await;
        if let Some(class) = self.stage.failure(&script, call) {
            return Err(model_error(class));
        }
        if let Some(code) = script.exit_code {
            std::process::exit(i32::from(code));
        }
        let text = match script.output_bytes {
            Some(bytes) => text(bytes),
            None => with_answers(request.tool_calls),
        };
        for piece in pieces(&text) {
            output.push(piece).await?;
        }
        let citation = PassageCitation {
            start: 0,
            end: text.chars().count(),
            passage: 0,
            quote: SCRIPTED_TEXT.to_owned(),
        };
        Ok(Synthesis { text, citations: vec![citation], usage: Usage::default(), model: None })
    }
}

/// A call that a script asks for, as a model asks for it.
fn arguments(call: &ScriptedCall) -> ToolArguments {
    let ScriptedCall { tool, argument } = call;
    let expression = || json!({"expression": argument});
    let arguments = match argument.starts_with('{') {
        true => serde_json::from_str(argument).unwrap_or_else(|_| expression()),
        false => expression(),
    };
    ToolArguments { tool: tool.clone(), arguments }
}

/// The fixed text, with what tools answered.
fn with_answers(calls: &[ToolExchange]) -> String {
    let mut text = SCRIPTED_TEXT.to_owned();
    for call in calls {
        if let ToolOutcome::Answered(answer) = &call.outcome {
            text.push(' ');
            text.extend(answer.chars().take(ANSWER_CHARS_MAX));
        }
    }
    text
}

/// The fixed text, repeated and cut to a length. It is ASCII, so bytes and characters are one.
fn text(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + SCRIPTED_TEXT.len() + 1);
    while text.len() < bytes {
        text.push_str(SCRIPTED_TEXT);
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

/// The text in pieces of at most [`PIECE_BYTES`].
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// # Panics
/// For [`ScriptedClass::Bug`]: that is what a bug does.
fn model_error(class: ScriptedClass) -> ModelError {
    let reason = "the script asks for it";
    match class {
        ScriptedClass::Transient => {
            ModelError::Unavailable { detail: reason.to_owned(), retry_after: None }
        }
        ScriptedClass::RateLimited => ModelError::RateLimited { retry_after: None },
        ScriptedClass::Timeout => ModelError::Timeout,
        ScriptedClass::Permanent => ModelError::Refused(reason.to_owned()),
        ScriptedClass::Bug => panic!("{reason}"),
    }
}
