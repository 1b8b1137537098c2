//! Several models under one name: where one is out, the next one answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputClosed, OutputSink, Synthesis, SynthesisRequest,
    ToolChoice, ToolChoiceRequest,
};
use tokio::time::Instant;

/// An ordered list of models that is called by the name of its first.
///
/// The next one is asked within the same call where the one before is out, busy, not usable as it
/// is configured, or too slow. Not where it refuses what was asked, or answers badly; and not once
/// any text was shown: two models' texts never mix.
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
            match model.choose_tools(&tries.context(), request).await {
                Ok(choice) => return Ok(choice),
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
            let mut shown = Shown { output, any: false };
            match model.synthesize(&tries.context(), request, &mut shown).await {
                Ok(synthesis) => return Ok(synthesis),
                Err(error) if shown.any => return Err(error),
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
    failed: Option<ModelError>,
}

impl<'a> Tries<'a> {
    fn new(call: &'a CallContext) -> Self {
        Self { call, began: Instant::now(), failed: None }
    }

    /// What the next one is told: what is left of the call's time.
    fn context(&self) -> CallContext {
        CallContext { left: self.call.left.saturating_sub(self.began.elapsed()), ..*self.call }
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
        self.failed = match self.failed.take() {
            Some(before) => Some(better(before, error)),
            None => Some(error),
        };
        Ok(())
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

/// Passes an answer on, and notes whether there was any of it.
struct Shown<'a> {
    output: &'a mut dyn OutputSink,
    any: bool,
}

#[async_trait]
impl OutputSink for Shown<'_> {
    async fn push(&mut self, text: &str) -> Result<(), OutputClosed> {
        self.any |= !text.is_empty();
        self.output.push(text).await
    }
}
