//! Which tools a model wants called.

use contracts::Code;
use contracts::job::Usage;
use engine::analysis::prompt;
use engine::ports::{CallContext, ModelError, ToolArguments, ToolChoice, ToolChoiceRequest};
use serde_json::Value;
use telemetry::spans;
use tracing::Instrument as _;

use super::model::{HttpModel, context_full, idempotency_key};
use super::protocol::{Ask, Protocol, Repair, Stop, StreamReader as _, StreamedCall};

#[expect(private_bounds, reason = "which protocols there are is decided here")]
impl<P: Protocol> HttpModel<P> {
    /// The calls, asked for once more where their arguments are no JSON objects.
    pub(super) async fn choose(
        &self,
        call: &CallContext,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        let prompt = prompt::tool_choice(request);
        let mut ask = Ask { prompt: &prompt, repair: None, tools: request.tools };
        let step = format!("tools-{}", request.about.tool_calls.len());
        let (chosen, usage) = self.asked_for_calls(call, &ask, &step).await?;
        let fault = match chosen {
            Ok(calls) => return Ok(ToolChoice { calls, usage }),
            Err(fault) => fault,
        };
        tracing::info!(job_id = %call.job_id, model = self.settings().name, fault, "asked once more");
        ask.repair = Some(Repair { answer: String::new(), request: prompt::repair(&fault) });
        let (chosen, more) = self.asked_for_calls(call, &ask, &step).await?;
        let usage = usage.plus(Usage { model_calls: 1, ..more });
        chosen.map(|calls| ToolChoice { calls, usage }).map_err(ModelError::Invalid)
    }

    /// The calls that the model wants, or what is wrong with them: one request, in a span of its own.
    async fn asked_for_calls(
        &self,
        call: &CallContext,
        ask: &Ask<'_>,
        step: &str,
    ) -> Result<(Result<Vec<ToolArguments>, String>, Usage), ModelError> {
        let span = self.span();
        let asked = self.ask_for_calls(call, ask, step).instrument(span.clone()).await;
        match &asked {
            Ok((chosen, usage)) => {
                spans::spent(&span, *usage);
                if chosen.is_err() {
                    spans::failed(&span, Code::ModelOutputInvalid.as_str());
                }
            }
            Err(error) => spans::failed(&span, error.code().as_str()),
        }
        asked
    }

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
        let max = self.settings().max_output_tokens;
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
