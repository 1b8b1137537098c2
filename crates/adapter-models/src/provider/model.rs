use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use async_trait::async_trait;
use contracts::Code;
use contracts::job::Usage;
use engine::analysis::prompt;
use engine::analysis::verify::{self, Unverified};
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest, ToolChoice,
    ToolChoiceRequest,
};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap};
use telemetry::metrics::models;
use telemetry::spans;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::protocol::{Ask, Protocol, Repair, Stop, StreamReader, Tally};
use super::settings::{Prices, ProviderSettings, SettingsFault};
use super::stream::Stream;
use crate::grounding::{AnswerReader, FormFault, Written};

/// Characters of a token, where the provider does not count: what English text has on average.
const CHARS_PER_TOKEN: usize = 4;

/// How long a connection that is not used is kept. Servers of models close theirs after 5 s, and a
/// request that meets the close has failed.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// A language model behind HTTP.
///
/// A call keeps within `call.left` and its settings' time-outs. It is never repeated here, save
/// once where the answer breaks the form: see [`LanguageModel::synthesize`].
pub struct HttpModel<P> {
    settings: ProviderSettings,
    client: reqwest::Client,
    endpoint: Url,
    headers: HeaderMap,
    measured: models::Model,
    protocol: PhantomData<fn() -> P>,
}

impl<P> fmt::Debug for HttpModel<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpModel").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[expect(private_bounds, reason = "which protocols there are is decided here")]
impl<P: Protocol> HttpModel<P> {
    /// A model with these settings. Connects to nothing yet.
    ///
    /// # Errors
    /// The first fault of the settings; [`ProviderSettings::faults`] has them all.
    pub fn new(settings: ProviderSettings) -> Result<Self, SettingsFault> {
        if let Some(fault) = settings.faults().into_iter().next() {
            return Err(fault);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SettingsFault::Client(error.to_string()))?;
        let (endpoint, headers) = (P::endpoint(&settings)?, P::headers(&settings)?);
        let measured = models::Model::new(&settings.name, P::PROVIDER);
        Ok(Self { settings, client, endpoint, headers, measured, protocol: PhantomData })
    }

    /// What it was made with.
    #[must_use]
    pub const fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    async fn answer(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        let prompt = prompt::answer(request);
        let mut ask = Ask { prompt: &prompt, repair: None, tools: &[] };
        let told = |(outcome, usage): &(Outcome, Usage)| (*usage, outcome.code());
        let (fault, answer) =
            match self.in_span(self.write(call, &ask, request, output), told).await {
                (Outcome::Written(synthesis), _) => return Ok(synthesis),
                (Outcome::Failed(error), usage) => {
                    output.spent(usage);
                    return Err(error);
                }
                (Outcome::Broken { fault, answer }, usage) => {
                    output.spent(Usage { model_calls: 1, ..usage });
                    (fault, answer)
                }
            };
        tracing::info!(job_id = %call.job_id, model = self.settings.name, %fault, "asked once more");
        output.reset("the answer broke its form and is written again");
        ask.repair = Some(Repair { answer, request: prompt::repair(&fault.to_string()) });
        let (error, usage) = match self.in_span(self.write(call, &ask, request, output), told).await
        {
            (Outcome::Written(synthesis), _) => return Ok(synthesis),
            (Outcome::Failed(error), usage) => (error, usage),
            (Outcome::Broken { fault, .. }, usage) => {
                (ModelError::Invalid(fault.to_string()), usage)
            }
        };
        output.spent(usage);
        Err(error)
    }

    /// Makes one request to the provider, in a span of its own. `told` is what it used, and the code
    /// of what went wrong.
    pub(super) async fn in_span<T>(
        &self,
        request: impl Future<Output = T>,
        told: impl FnOnce(&T) -> (Usage, Option<Code>),
    ) -> T {
        let span = spans::chat(&spans::Chat {
            provider: P::PROVIDER.as_str(),
            model: &self.settings.model,
            server: self.endpoint.host_str().unwrap_or_default(),
            port: self.endpoint.port_or_known_default().unwrap_or_default(),
            max_tokens: self.settings.max_output_tokens,
        });
        let answered = request.instrument(span.clone()).await;
        let (usage, code) = told(&answered);
        spans::spent(&span, usage);
        if let Some(code) = code {
            spans::failed(&span, code.as_str());
        }
        answered
    }

    /// Has the answer written once, and shows it as it comes. What that cost is known even where
    /// it failed.
    async fn write(
        &self,
        call: &CallContext,
        ask: &Ask<'_>,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> (Outcome, Usage) {
        let mut stream = match self.open(ask, &idempotency_key(call, "synthesize", ask)).await {
            Ok(stream) => stream,
            Err(error) => return (Outcome::Failed(error), Usage::default()),
        };
        let mut reader = AnswerReader::new(request.passages.len());
        let ended = show(&mut stream, &mut reader, output).await;
        let tally = stream.reader().tally();
        let usage = self.usage(tally, ask.chars(), reader.raw().chars().count());
        let answer = reader.raw().to_owned();
        let finished = match self.judged(ended, tally.stop.as_ref()) {
            Err(error) => return (Outcome::Failed(error), usage),
            Ok(Some(fault)) => return (Outcome::Broken { fault, answer }, usage),
            Ok(None) => reader.finish(request.passages),
        };
        let outcome = match finished {
            Err(fault) => Outcome::Broken { fault, answer },
            Ok((rest, written)) => match output.push(&rest).await {
                Ok(()) => {
                    let Written { text, citations } = written;
                    verified(request, Synthesis { text, citations, usage, model: None }, answer)
                }
                Err(closed) => Outcome::Failed(closed.into()),
            },
        };
        (outcome, usage)
    }

    /// What an answer comes to that ended, or was not read any further, when this was known of it.
    fn judged(
        &self,
        ended: Result<Option<FormFault>, ModelError>,
        stop: Option<&Stop>,
    ) -> Result<Option<FormFault>, ModelError> {
        let max_output_tokens = self.settings.max_output_tokens;
        match (ended?, stop) {
            (None, Some(Stop::CutOff)) => Ok(Some(FormFault::CutOff { max_output_tokens })),
            (None, Some(Stop::ContextFull)) => Err(context_full()),
            (None, Some(Stop::Refused(why))) => Err(ModelError::Refused((*why).to_owned())),
            (fault, _) => Ok(fault),
        }
    }

    pub(super) async fn open(
        &self,
        ask: &Ask<'_>,
        idempotency_key: &str,
    ) -> Result<Stream<'_, P::Reader>, ModelError> {
        let mut request = self
            .client
            .post(self.endpoint.clone())
            .headers(self.headers.clone())
            .header(ACCEPT, "text/event-stream")
            .json(&P::body(&self.settings, ask));
        if P::TAKES_IDEMPOTENCY_KEY {
            request = request.header("idempotency-key", idempotency_key);
        }
        Stream::open(request, &self.settings).await
    }

    /// Makes a call within its time, and measures it. One that is dropped is not measured.
    async fn measure<T>(
        &self,
        call: &CallContext,
        asking: impl Future<Output = Result<T, ModelError>>,
    ) -> Result<T, ModelError> {
        let began = Instant::now();
        let answered = timeout(call.left, asking).await.unwrap_or(Err(ModelError::Timeout));
        let outcome = answered.as_ref().map(|_| ()).map_err(ModelError::code);
        self.measured.called(outcome, began.elapsed());
        answered
    }

    /// What an answer cost: by the provider's count, else by its length. It is measured here, once
    /// a request.
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
    pub(super) fn usage(&self, tally: &Tally, sent_chars: usize, written_chars: usize) -> Usage {
        let estimate = |chars: usize| chars.div_ceil(CHARS_PER_TOKEN) as u64;
        let input_tokens = tally.input_tokens.unwrap_or_else(|| estimate(sent_chars));
        let output_tokens = match (tally.output_tokens, &tally.stop) {
            (Some(counted), Some(_)) => counted,
            // A count at the beginning of an answer is none of the whole.
            (counted, _) => counted.unwrap_or(0).max(estimate(written_chars)),
        };
        let Prices { input_usd, output_usd } = self.settings.prices;
        let cost_usd =
            (input_tokens as f64 * input_usd + output_tokens as f64 * output_usd) / 1_000_000.0;
        let usage = Usage { model_calls: 0, tool_calls: 0, input_tokens, output_tokens, cost_usd };
        self.measured.used(&usage);
        usage
    }
}

/// What became of one request for an answer.
enum Outcome {
    Written(Synthesis),
    Broken { fault: FormFault, answer: String },
    Failed(ModelError),
}

impl Outcome {
    /// The code of what went wrong.
    fn code(&self) -> Option<Code> {
        match self {
            Self::Written(_) => None,
            Self::Broken { .. } => Some(Code::ModelOutputInvalid),
            Self::Failed(error) => Some(error.code()),
        }
    }
}

/// Shows an answer until it ends or breaks its form.
async fn show<R: StreamReader>(
    stream: &mut Stream<'_, R>,
    reader: &mut AnswerReader,
    output: &mut dyn OutputSink,
) -> Result<Option<FormFault>, ModelError> {
    while let Some(text) = stream.next().await? {
        match reader.push(&text) {
            Ok("") => {}
            Ok(shown) => output.push(shown).await?,
            Err(fault) => return Ok(Some(fault)),
        }
    }
    Ok(None)
}

#[async_trait]
impl<P: Protocol> LanguageModel for HttpModel<P> {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn knows_tools(&self) -> bool {
        true
    }

    /// A choice whose arguments are no JSON object is asked for once more.
    ///
    /// # Errors
    /// [`ModelError`], of which docs/models.md has the table.
    async fn choose_tools(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        if request.tools.is_empty() {
            return Ok(ToolChoice::default());
        }
        self.measure(call, self.choose(call, request)).await
    }

    /// An answer that breaks its form is asked for once more, with the fault told.
    ///
    /// # Errors
    /// [`ModelError`], of which docs/models.md has the table.
    async fn synthesize(
        &self,
        call: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        self.measure(call, self.answer(call, request, output)).await
    }
}

/// An answer that keeps its form may still say what its passages do not. The step would refuse it
/// as well; here the model can mend it.
fn verified(request: &SynthesisRequest<'_>, synthesis: Synthesis, answer: String) -> Outcome {
    // Where nothing is said, nothing needs a source.
    if synthesis.text.is_empty() {
        return Outcome::Written(synthesis);
    }
    match verify::check(request, &synthesis) {
        Ok(()) | Err(Unverified::InsufficientEvidence(_)) => Outcome::Written(synthesis),
        Err(Unverified::Invalid(fault)) => {
            Outcome::Broken { fault: FormFault::Unverified(fault), answer }
        }
    }
}

pub(super) fn context_full() -> ModelError {
    ModelError::Refused("the question and its passages are too long for it".to_owned())
}

/// The same for every request that asks the same on behalf of the same attempt, even from another
/// worker after a crash; another one after a failure, so that no provider repeats a bad answer.
pub(super) fn idempotency_key(call: &CallContext, step: &str, ask: &Ask<'_>) -> String {
    let repair = if ask.repair.is_some() { "-repair" } else { "" };
    format!("assay-{}-{step}-{}{repair}", call.job_id, call.failures)
}
