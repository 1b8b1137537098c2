//! Several models under one name: where one is out, the next one answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest, ToolChoice,
    ToolChoiceRequest,
};
use tokio::time::Instant;

/// What each call beyond the first adds to what was spent.
const ONE_CALL: Usage =
    Usage { model_calls: 1, tool_calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0.0 };

/// An ordered list of models that is called by the name of its first. An answer names who wrote it.
///
/// The next one is asked within the same call where the one before is out, busy, not usable as it
/// is configured, or too slow; not where it refuses what was asked, or answers badly. Two models'
/// texts never mix: what one of them has shown is taken back before the next one begins.
pub struct Fallback {
    first: Arc<dyn LanguageModel>,
    others: Vec<Arc<dyn LanguageModel>>,
}

impl Fallback {
    /// Asks `first`, then the others in order.
    #[must_use]
    pub fn new(first: Arc<dyn LanguageModel>, others: Vec<Arc<dyn LanguageModel>>) -> Self {
        Self { first, others }
    }

    fn models(&self) -> impl Iterator<Item = &dyn LanguageModel> {
        std::iter::once(&self.first).chain(&self.others).map(AsRef::as_ref)
    }
}

#[async_trait]
impl LanguageModel for Fallback {
    fn name(&self) -> &str {
        self.first.name()
    }

    /// If one of them does: another chooses none.
    fn knows_tools(&self) -> bool {
        self.models().any(LanguageModel::knows_tools)
    }

    /// Only if every one of them is out.
    fn outage(&self) -> Option<Duration> {
        let outages: Option<Vec<Duration>> = self.models().map(LanguageModel::outage).collect();
        outages?.into_iter().min()
    }

    async fn choose_tools(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        let mut tries = Tries::new(call);
        for model in self.models() {
            let Some(context) = tries.next(model) else { continue };
            match model.choose_tools(&context, request).await {
                Ok(ToolChoice { calls, usage }) => {
                    return Ok(ToolChoice { calls, usage: usage.plus(tries.more_calls()) });
                }
                Err(error) => tries.note(model, error)?,
            }
        }
        Err(tries.failed())
    }

    async fn synthesize(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        let mut tries = Tries::new(call);
        for model in self.models() {
            let Some(context) = tries.next(model) else { continue };
            if tries.calls > 1 {
                output.spent(ONE_CALL);
                output.reset("another model writes the answer");
            }
            match model.synthesize(&context, request, output).await {
                Ok(synthesis) => {
                    let model = Some(model.name().to_owned());
                    return Ok(Synthesis { model, ..synthesis });
                }
                Err(error) => tries.note(model, error)?,
            }
        }
        Err(tries.failed())
    }
}

/// What became of one call so far.
struct Tries<'a> {
    call: &'a CallContext,
    began: Instant,
    /// Calls that were begun.
    calls: u32,
    failed: Option<ModelError>,
}

impl<'a> Tries<'a> {
    fn new(call: &'a CallContext) -> Self {
        Self { call, began: Instant::now(), calls: 0, failed: None }
    }

    /// What the next one is told, with what is left of the call's time; `None` if it is out.
    fn next(&mut self, model: &dyn LanguageModel) -> Option<CallContext> {
        if let Some(probe_after) = model.outage() {
            self.keep(ModelError::CircuitOpen { probe_after });
            return None;
        }
        self.calls += 1;
        let left = self.call.left.saturating_sub(self.began.elapsed());
        Some(CallContext { left, ..*self.call })
    }

    /// The calls beyond the first, which whoever asked counts himself.
    fn more_calls(&self) -> Usage {
        Usage { model_calls: self.calls.saturating_sub(1), ..Usage::default() }
    }

    /// Goes on to the next one, unless that is no use.
    fn note(&mut self, model: &dyn LanguageModel, error: ModelError) -> Result<(), ModelError> {
        if rank(&error).is_none() {
            return Err(error);
        }
        tracing::warn!(
            model = model.name(),
            job_id = %self.call.job_id,
            error = &error as &dyn std::error::Error,
            "another model is tried"
        );
        self.keep(error);
        Ok(())
    }

    fn keep(&mut self, error: ModelError) {
        self.failed = match self.failed.take() {
            Some(before) => Some(better(before, error)),
            None => Some(error),
        };
    }

    /// The failure of them all.
    fn failed(self) -> ModelError {
        self.failed.unwrap_or_else(|| ModelError::Bug("no model was tried".to_owned()))
    }
}

/// Of two failures the one that is best for the job: what costs it nothing before what may pass,
/// and that before what will not.
fn better(a: ModelError, b: ModelError) -> ModelError {
    match (&a, &b) {
        (
            ModelError::CircuitOpen { probe_after: sooner },
            ModelError::CircuitOpen { probe_after },
        ) if probe_after < sooner => b,
        _ if rank(&b) < rank(&a) => b,
        _ => a,
    }
}

/// The lower, the better for the job; `None` if another model is no use.
const fn rank(error: &ModelError) -> Option<u8> {
    match error {
        ModelError::CircuitOpen { .. } => Some(0),
        ModelError::RateLimited { .. } => Some(1),
        ModelError::Unavailable { .. } | ModelError::Timeout => Some(2),
        ModelError::Misconfigured(_) => Some(3),
        ModelError::Refused(_)
        | ModelError::Invalid(_)
        | ModelError::Closed(_)
        | ModelError::Bug(_) => None,
    }
}
