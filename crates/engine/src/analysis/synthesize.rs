//! Step 4: the answer, cited.

use crate::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest,
};

/// Has the model answer from the passages.
///
/// # Errors
/// What the model says.
pub async fn synthesize(
    model: &dyn LanguageModel,
    call: &CallContext,
    request: &SynthesisRequest<'_>,
    output: &mut dyn OutputSink,
) -> Result<Synthesis, ModelError> {
    model.synthesize(call, request, output).await
}
