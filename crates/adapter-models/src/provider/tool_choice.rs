//! Which tools a model wants called.

use contracts::Code;
use contracts::job::Usage;
use engine::analysis::prompt;
use engine::ports::{CallContext, ModelError, ToolArguments, ToolChoice, ToolChoiceRequest};
use serde_json::Value;

use super::model::{HttpModel, context_full, idempotency_key};
use super::protocol::{Ask, Protocol, Repair, Stop, StreamReader as _, StreamedCall};

/// The calls that a model wants, or what is wrong with them in words for it; and what asking used.
type Asked = (Result<Vec<ToolArguments>, String>, Usage);

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
        let told = |asked: &Result<Asked, ModelError>| match asked {
            Ok((Ok(_), usage)) => (*usage, None),
            Ok((Err(_), usage)) => (*usage, Some(Code::ModelOutputInvalid)),
            Err(error) => (Usage::default(), Some(error.code())),
        };
        let step = format!("tools-{}", request.about.tool_calls.len());
        let (chosen, usage) = self.in_span(self.ask_for_calls(call, &ask, &step), told).await?;
        let fault = match chosen {
            Ok(calls) => return Ok(ToolChoice { calls, usage }),
            Err(fault) => fault,
        };
        tracing::info!(job_id = %call.job_id, model = self.settings().name, fault, "asked once more");
        ask.repair = Some(Repair { answer: String::new(), request: prompt::repair(&fault) });
        let (chosen, more) = self.in_span(self.ask_for_calls(call, &ask, &step), told).await?;
        let usage = usage.plus(Usage { model_calls: 1, ..more });
        chosen.map(|calls| ToolChoice { calls, usage }).map_err(ModelError::Invalid)
    }

    /// The calls that the model wants, or what is wrong with them.
    async fn ask_for_calls(
        &self,
        call: &CallContext,
        ask: &Ask<'_>,
        step: &str,
    ) -> Result<Asked, ModelError> {
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
