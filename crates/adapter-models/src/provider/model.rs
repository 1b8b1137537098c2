use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::analysis::prompt;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest, ToolArguments,
    ToolChoice, ToolChoiceRequest,
};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap};
use serde_json::Value;

use super::protocol::{Ask, Protocol, Repair, Stop, StreamReader, StreamedCall, Tally};
use super::settings::{Prices, ProviderSettings, SettingsFault};
use super::stream::Stream;
use crate::grounding::{AnswerReader, FormFault, Written};

/// Characters of a token, where the provider does not count: what English text has on average.
const CHARS_PER_TOKEN: usize = 4;

/// A language model behind HTTP.
///
/// A call keeps within `call.left` and its settings' time-outs. It is never repeated here, save
/// once where the answer breaks the form: see [`LanguageModel::synthesize`].
pub struct HttpModel<P> {
    settings: ProviderSettings,
    client: reqwest::Client,
    endpoint: Url,
    headers: HeaderMap,
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
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SettingsFault::Client(error.to_string()))?;
        let (endpoint, headers) = (P::endpoint(&settings)?, P::headers(&settings)?);
        Ok(Self { settings, client, endpoint, headers, protocol: PhantomData })
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
        let (fault, answer, usage) = match self.write(call, &ask, request, output).await? {
            (Outcome::Written(written), usage) => return Ok(synthesis(written, usage)),
            (Outcome::Broken { fault, answer }, usage) => (fault, answer, usage),
        };
        tracing::info!(job_id = %call.job_id, model = self.settings.name, %fault, "asked once more");
        output.spent(Usage { model_calls: 1, ..usage });
        output.reset("the answer broke its form and is written again");
        ask.repair = Some(Repair { answer, request: prompt::repair(&fault.to_string()) });
        match self.write(call, &ask, request, output).await? {
            (Outcome::Written(written), usage) => Ok(synthesis(written, usage)),
            (Outcome::Broken { fault, .. }, usage) => {
                output.spent(usage);
                Err(ModelError::Invalid(fault.to_string()))
            }
        }
    }

    /// Has the answer written once, and shows it as it comes.
    async fn write(
        &self,
        call: &CallContext,
        ask: &Ask<'_>,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<(Outcome, Usage), ModelError> {
        let mut stream = self.open(ask, &idempotency_key(call, "synthesize", ask)).await?;
        let mut reader = AnswerReader::new(request.passages.len());
        let ended = self.show(&mut stream, &mut reader, output).await;
        let tally = stream.reader().tally();
        let usage = self.usage(tally, ask.chars(), reader.raw().chars().count());
        let fault = match (ended, &tally.stop) {
            (Ok(Some(fault)), _) => Some(fault),
            (Ok(None), Some(Stop::CutOff)) => {
                Some(FormFault::CutOff { max_output_tokens: self.settings.max_output_tokens })
            }
            (Ok(None), Some(Stop::ContextFull)) => {
                output.spent(usage);
                return Err(context_full());
            }
            (Ok(None), Some(Stop::Refused(why))) => {
                output.spent(usage);
                return Err(ModelError::Refused((*why).to_owned()));
            }
            (Ok(None), Some(Stop::Complete) | None) => None,
            (Err(error), _) => {
                output.spent(usage);
                return Err(error);
            }
        };
        let answer = reader.raw().to_owned();
        let fault = match fault {
            Some(fault) => fault,
            None => match reader.finish(request.passages) {
                Ok((rest, written)) => {
                    if !rest.is_empty()
                        && let Err(closed) = output.push(&rest).await
                    {
                        output.spent(usage);
                        return Err(closed.into());
                    }
                    return Ok((Outcome::Written(written), usage));
                }
                Err(fault) => fault,
            },
        };
        Ok((Outcome::Broken { fault, answer }, usage))
    }

    /// Shows the answer until it ends or breaks its form.
    async fn show(
        &self,
        stream: &mut Stream<'_, P::Reader>,
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

    async fn choose(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        let prompt = prompt::tool_choice(request);
        let mut ask = Ask { prompt: &prompt, repair: None, tools: request.tools };
        let step = format!("tools-{}", request.about.tool_calls.len());
        let (chosen, usage) = self.ask_for_calls(call, &ask, &step).await?;
        let fault = match chosen {
            Ok(calls) => return Ok(ToolChoice { calls, usage }),
            Err(fault) => fault,
        };
        tracing::info!(job_id = %call.job_id, model = self.settings.name, fault, "asked once more");
        ask.repair = Some(Repair { answer: String::new(), request: prompt::repair(&fault) });
        let (chosen, more) = self.ask_for_calls(call, &ask, &step).await?;
        let usage = usage.plus(Usage { model_calls: 1, ..more });
        chosen.map(|calls| ToolChoice { calls, usage }).map_err(ModelError::Invalid)
    }

    /// The calls that the model wants, or what is wrong with them.
    async fn ask_for_calls(
        &self,
        call: &CallContext,
        ask: &Ask<'_>,
        step: &str,
    ) -> Result<(Result<Vec<ToolArguments>, String>, Usage), ModelError> {
        let mut stream = self.open(ask, &idempotency_key(call, step, ask)).await?;
        let mut chars = 0;
        while let Some(text) = stream.next().await? {
            chars += text.chars().count();
        }
        let tally = stream.reader().tally();
        chars += tally.calls.iter().map(|call| call.arguments.chars().count()).sum::<usize>();
        let usage = self.usage(tally, ask.chars(), chars);
        let max = self.settings.max_output_tokens;
        match tally.stop {
            Some(Stop::ContextFull) => return Err(context_full()),
            Some(Stop::Refused(why)) => return Err(ModelError::Refused(why.to_owned())),
            Some(Stop::CutOff) if !tally.calls.is_empty() => {
                return Ok((Err(format!("it was cut off at the limit of {max} tokens")), usage));
            }
            Some(Stop::CutOff | Stop::Complete) | None => {}
        }
        Ok((tally.calls.drain(..).map(arguments).collect(), usage))
    }

    async fn open(
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

    /// What an answer cost: by the provider's count, else by its length.
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
    fn usage(&self, tally: &Tally, sent_chars: usize, written_chars: usize) -> Usage {
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
        Usage { model_calls: 0, tool_calls: 0, input_tokens, output_tokens, cost_usd }
    }
}

/// What became of one request for an answer.
enum Outcome {
    Written(Written),
    Broken { fault: FormFault, answer: String },
}

#[async_trait]
impl<P: Protocol> LanguageModel for HttpModel<P> {
    fn name(&self) -> &str {
        &self.settings.name
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
        let chosen = tokio::time::timeout(call.left, self.choose(call, request)).await;
        chosen.map_err(|_| ModelError::Timeout)?
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
        let answered = tokio::time::timeout(call.left, self.answer(call, request, output)).await;
        answered.map_err(|_| ModelError::Timeout)?
    }
}

fn synthesis(written: Written, usage: Usage) -> Synthesis {
    let Written { text, citations } = written;
    Synthesis { text, citations, usage, model: None }
}

fn context_full() -> ModelError {
    ModelError::Refused("the question and its passages are too long for it".to_owned())
}

/// The same for every request that asks the same on behalf of the same attempt, even from another
/// worker after a crash; another one after a failure, so that no provider repeats a bad answer.
fn idempotency_key(call: &CallContext, step: &str, ask: &Ask<'_>) -> String {
    let repair = if ask.repair.is_some() { "-repair" } else { "" };
    format!("assay-{}-{step}-{}{repair}", call.job_id, call.failures)
}

/// A call as the tool takes it; what is wrong with it, in words for the model.
fn arguments(call: StreamedCall) -> Result<ToolArguments, String> {
    let StreamedCall { name, arguments } = call;
    if name.is_empty() {
        return Err("it calls a tool without a name".to_owned());
    }
    // A tool without arguments is called with none.
    let text = if arguments.trim().is_empty() { "{}" } else { &arguments };
    match serde_json::from_str::<Value>(text) {
        Ok(arguments @ Value::Object(_)) => Ok(ToolArguments { tool: name, arguments }),
        Ok(_) | Err(_) => Err("it calls a tool with arguments that are no JSON object".to_owned()),
    }
}
