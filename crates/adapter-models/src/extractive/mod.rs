//! A model that answers with the documents' own words.
//!
//! Passages are cut into units: sentences and table rows. Each is scored against what the question
//! asks for; a few that complete each other are chosen and written out, every part with its
//! citation. The same request always gives the same
//! answer. Nothing in a passage is more than text to it, so nothing in a passage can direct it.

mod choice;
mod compose;
mod line;
mod question;
mod score;
mod sentence;
pub(crate) mod unit;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest,
};

use question::Question;

/// Answers with verbatim sentences and table rows, each cited. Needs no network and no weights.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtractiveModel;

#[async_trait]
impl LanguageModel for ExtractiveModel {
    fn name(&self) -> &str {
        "extractive"
    }

    fn knows_tools(&self) -> bool {
        false
    }

    /// # Errors
    /// [`ModelError::Closed`] once nobody wants the answer.
    async fn synthesize(
        &self,
        _call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        let mut synthesis = Synthesis {
            text: String::new(),
            citations: Vec::new(),
            usage: Usage::default(),
            model: None,
        };
        for part in answer(request) {
            let written = synthesis.text.len();
            compose::append(&part, request.passages, &mut synthesis);
            output.push(&synthesis.text[written..]).await?;
        }
        Ok(synthesis)
    }
}

/// The parts of the answer, in the order in which they are written.
fn answer(request: &SynthesisRequest<'_>) -> Vec<compose::Part> {
    let question = Question::of(request);
    let units = request.passages.iter().enumerate();
    let units = units.flat_map(|(index, passage)| unit::units(index, &passage.text)).collect();
    let candidates = score::candidates(&question, request.passages, units);
    compose::parts(choice::choose(&question, candidates))
}
