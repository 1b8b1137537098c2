use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, PassageCitation, Synthesis,
    SynthesisRequest,
};

use super::{SCRIPTED_TEXT, Script, ScriptedClass, ScriptedStep, Stage};

/// How many bytes of a long answer are pushed at once.
const PIECE_BYTES: usize = 1_000;

/// A model that gives every question the same answer, as the question's script asks.
#[derive(Debug)]
pub struct ScriptedModel {
    stage: Stage,
}

impl ScriptedModel {
    /// A model whose calls take `latency`, and are written down in the file `ledger`, one line of
    /// JSON each: `{"job_id", "step", "attempt"}`.
    #[must_use]
    pub fn new(latency: Duration, ledger: Option<PathBuf>) -> Self {
        Self { stage: Stage::new(ScriptedStep::Synthesize, latency, ledger) }
    }
}

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn name(&self) -> &str {
        "scripted"
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
        let text = text(script.output_bytes.unwrap_or(SCRIPTED_TEXT.len()));
        for piece in pieces(&text) {
            output.push(piece).await?;
        }
        let citation = PassageCitation {
            start: 0,
            end: text.len(),
            passage: 0,
            quote: SCRIPTED_TEXT.to_owned(),
        };
        Ok(Synthesis { text, citations: vec![citation], usage: Usage::default(), model: None })
    }
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
    (0..text.len())
        .step_by(PIECE_BYTES)
        .map(|start| &text[start..text.len().min(start + PIECE_BYTES)])
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
