//! A model that is spared calls which would fail: a circuit breaker, and a limit on calls at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::circuit::{Caller, Circuit, Moment, Outcome, Pass};
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest, ToolChoice,
    ToolChoiceRequest,
};
use telemetry::metrics::{self, Observation};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// A call that had less time than this says nothing about its model when it runs out of it.
const TELLING: Duration = Duration::from_secs(5);

/// Another model, called at most so often at a time, and not at all while it is known to be out.
///
/// What fails because the model is out is [`ModelError::CircuitOpen`]: it counts for no job. See
/// [`engine::circuit`] for when that is so.
#[derive(Debug)]
pub struct Guarded<M> {
    model: M,
    circuit: Arc<Mutex<Circuit>>,
    permits: Semaphore,
    uniform: fn() -> f64,
    _shown: Observation,
}

impl<M: LanguageModel> Guarded<M> {
    /// Guards `model`, which takes `calls_max` calls at a time; whoever comes later waits within
    /// its call's time. `uniform` gives random numbers in `0.0..1.0`, for the jitter.
    ///
    /// # Panics
    /// If no call may be made at all.
    #[must_use]
    pub fn new(model: M, calls_max: usize, uniform: fn() -> f64) -> Self {
        assert!(calls_max > 0, "a model that may not be called answers nothing");
        let circuit = Arc::<Mutex<Circuit>>::default();
        let shown = Arc::clone(&circuit);
        let is_open = move || shown.lock().unwrap_or_else(PoisonError::into_inner).is_open();
        Self {
            _shown: metrics::models::observe_circuit(model.name(), is_open),
            model,
            circuit,
            permits: Semaphore::new(calls_max.min(Semaphore::MAX_PERMITS)),
            uniform,
        }
    }

    /// Waits for its turn, and for leave to make a call.
    async fn enter(&self, call: &CallContext) -> Result<Entered<'_>, ModelError> {
        // Nobody waits in line for what is out.
        if let Some(probe_after) = self.outage() {
            return Err(ModelError::CircuitOpen { probe_after });
        }
        let began = Instant::now();
        let permit = timeout(call.left, self.permits.acquire()).await;
        let permit = permit.map_err(|_elapsed| ModelError::Timeout)?;
        let permit = permit.map_err(|error| ModelError::Bug(error.to_string()))?;
        let caller = Caller { job_id: call.job_id, failures: call.failures };
        let admitted = self.decide(|circuit, at| circuit.admit(caller, at));
        let pass = admitted.map_err(|probe_after| ModelError::CircuitOpen { probe_after })?;
        let left = call.left.saturating_sub(began.elapsed());
        let settling = Settling { circuit: &self.circuit, uniform: self.uniform, pass: Some(pass) };
        Ok(Entered { call: CallContext { left, ..*call }, settling, _permit: permit })
    }

    fn decide<T>(&self, decision: impl FnOnce(&mut Circuit, Moment) -> T) -> T {
        decide(&self.circuit, self.uniform, decision)
    }
}

#[async_trait]
impl<M: LanguageModel> LanguageModel for Guarded<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn knows_tools(&self) -> bool {
        self.model.knows_tools()
    }

    fn outage(&self) -> Option<Duration> {
        self.decide(|circuit, at| circuit.refusal(at))
    }

    async fn choose_tools(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        let entered = self.enter(call).await?;
        let outcome = self.model.choose_tools(&entered.call, request).await;
        entered.leave(self.model.name(), outcome)
    }

    async fn synthesize(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        let entered = self.enter(call).await?;
        let outcome = self.model.synthesize(&entered.call, request, output).await;
        entered.leave(self.model.name(), outcome)
    }
}

/// A call that may be made, and is one of those at a time until it is dropped.
struct Entered<'a> {
    /// What the call is told: the wait for its turn is off its time.
    call: CallContext,
    settling: Settling<'a>,
    _permit: SemaphorePermit<'a>,
}

impl Entered<'_> {
    /// Tells how the call ended. A failure that is the outage's is turned into one that counts for
    /// nobody; what it was is in the log.
    fn leave<T>(mut self, model: &str, outcome: Result<T, ModelError>) -> Result<T, ModelError> {
        let told = match &outcome {
            Ok(_) => Outcome::Answered,
            Err(error) => told_by(error, &self.call),
        };
        let waits = self.settling.settle(told);
        match (outcome, waits) {
            (Err(error), Some(probe_after)) => {
                let probe_after = probe_after.max(wish(&error));
                tracing::warn!(
                    model,
                    job_id = %self.call.job_id,
                    error = &error as &dyn std::error::Error,
                    probe_after_ms = probe_after.as_millis(),
                    "the model is out"
                );
                Err(ModelError::CircuitOpen { probe_after })
            }
            (outcome, _) => outcome,
        }
    }
}

/// The duty to tell the circuit how a call ended: dropped, it says that nobody knows.
struct Settling<'a> {
    circuit: &'a Mutex<Circuit>,
    uniform: fn() -> f64,
    pass: Option<Pass>,
}

impl Settling<'_> {
    fn settle(&mut self, outcome: Outcome) -> Option<Duration> {
        let pass = self.pass.take()?;
        decide(self.circuit, self.uniform, |circuit, at| circuit.settle(pass, outcome, at))
    }
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Unknown);
    }
}

fn decide<T>(
    circuit: &Mutex<Circuit>,
    uniform: fn() -> f64,
    decision: impl FnOnce(&mut Circuit, Moment) -> T,
) -> T {
    let at = Moment { now: Instant::now().into_std(), uniform: uniform() };
    decision(&mut circuit.lock().unwrap_or_else(PoisonError::into_inner), at)
}

/// How long a provider that is out asks to be left alone. A job comes back after that; another
/// one may probe before.
fn wish(error: &ModelError) -> Duration {
    match error {
        ModelError::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
        ModelError::RateLimited { .. }
        | ModelError::Timeout
        | ModelError::CircuitOpen { .. }
        | ModelError::Misconfigured(_)
        | ModelError::Refused(_)
        | ModelError::Invalid(_)
        | ModelError::Closed(_)
        | ModelError::Bug(_) => Duration::ZERO,
    }
}

/// What an error says about whether the model is out.
fn told_by(error: &ModelError, call: &CallContext) -> Outcome {
    match error {
        ModelError::Unavailable { .. } => Outcome::Failed,
        ModelError::Timeout if call.left >= TELLING => Outcome::Failed,
        // It is there, whatever it says.
        ModelError::RateLimited { .. }
        | ModelError::Misconfigured(_)
        | ModelError::Refused(_)
        | ModelError::Invalid(_) => Outcome::Answered,
        ModelError::Timeout
        | ModelError::CircuitOpen { .. }
        | ModelError::Closed(_)
        | ModelError::Bug(_) => Outcome::Unknown,
    }
}
