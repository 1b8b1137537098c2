//! OpenAI's chat completions, as OpenAI, vLLM, Ollama, llama.cpp's server and many others speak
//! them (<https://platform.openai.com/docs/api-reference/chat-streaming>).

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use telemetry::metrics::models::Provider;

use super::protocol::{Ask, Piece, Protocol, ReadFault, Role, Stop, StreamReader, Tally};
use super::settings::{ProviderSettings, SettingsFault};

/// Hosts whose newer models refuse `max_tokens`; other servers may know nothing else.
const NEW_LIMIT_HOSTS: [&str; 2] = ["api.openai.com", ".openai.azure.com"];

/// The protocol.
#[derive(Debug)]
pub struct OpenAi;

impl Protocol for OpenAi {
    type Reader = OpenAiReader;

    const PROVIDER: Provider = Provider::OpenAi;
    const TAKES_IDEMPOTENCY_KEY: bool = true;

    fn endpoint(settings: &ProviderSettings) -> Result<Url, SettingsFault> {
        settings.url()?.join("chat/completions").map_err(|_| SettingsFault::BaseUrl)
    }

    fn headers(settings: &ProviderSettings) -> Result<HeaderMap, SettingsFault> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.api_key {
            let bearer = format!("Bearer {}", key.expose());
            let mut value = HeaderValue::from_str(&bearer).map_err(|_| SettingsFault::ApiKey)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    fn body(settings: &ProviderSettings, ask: &Ask<'_>) -> Value {
        let system = json!({ "role": "system", "content": ask.prompt.system });
        let turns = ask.turns().into_iter().map(|(role, content)| {
            let role = match role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            json!({ "role": role, "content": content })
        });
        let messages: Vec<Value> = std::iter::once(system).chain(turns).collect();
        let mut body = json!({
            "model": settings.model,
            "messages": messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let host = settings.url().ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.unwrap_or_default();
        let limit = match NEW_LIMIT_HOSTS.iter().any(|known| host.ends_with(known)) {
            true => "max_completion_tokens",
            false => "max_tokens",
        };
        body[limit] = settings.max_output_tokens.into();
        if let Some(temperature) = settings.temperature {
            body["temperature"] = temperature.into();
        }
        if !ask.tools.is_empty() {
            let tools = ask.tools.iter().map(|tool| {
                let function = json!({
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                });
                json!({ "type": "function", "function": function })
            });
            body["tools"] = tools.collect();
        }
        body
    }
}

/// Reads chunks until `[DONE]`. What it does not know is passed over.
#[derive(Debug, Default)]
pub(super) struct OpenAiReader {
    tally: Tally,
    has_refused: bool,
}

impl StreamReader for OpenAiReader {
    fn read(&mut self, data: &str) -> Result<Piece, ReadFault> {
        if data.trim() == "[DONE]" {
            return Ok(Piece { is_end: true, ..Piece::default() });
        }
        let chunk: Value =
            serde_json::from_str(data).map_err(|_| ReadFault::Garbled("a message is no JSON"))?;
        if !chunk.is_object() {
            return Err(ReadFault::Garbled("a message is no JSON object"));
        }
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(ReadFault::Told(chunk));
        }
        // Sent last, without choices; some send running totals with every chunk.
        let usage = &chunk["usage"];
        let Tally { input_tokens, output_tokens, .. } = &mut self.tally;
        *input_tokens = usage["prompt_tokens"].as_u64().or(*input_tokens);
        *output_tokens = usage["completion_tokens"].as_u64().or(*output_tokens);
        let choice = &chunk["choices"][0];
        let delta = &choice["delta"];
        let text = delta["content"].as_str().unwrap_or_default().to_owned();
        let refuses = delta["refusal"].as_str().is_some_and(|text| !text.is_empty());
        self.has_refused |= refuses;
        let calls = delta["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        for call in calls {
            self.call(call)?;
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.tally.stop = Some(self.stop(reason));
        }
        // What it thinks goes under names that differ by server.
        let thinks = ["reasoning_content", "reasoning"]
            .iter()
            .any(|field| delta[field].as_str().is_some_and(|text| !text.is_empty()));
        let is_progress = thinks || refuses || !text.is_empty() || !calls.is_empty();
        Ok(Piece { text, is_progress, is_end: false })
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

impl OpenAiReader {
    fn call(&mut self, part: &Value) -> Result<(), ReadFault> {
        let function = &part["function"];
        let name = function["name"].as_str().filter(|name| !name.is_empty());
        // Some servers send whole calls, and no index.
        let last = self.tally.calls.len();
        let index = match part["index"].as_u64() {
            Some(index) => usize::try_from(index).unwrap_or(usize::MAX),
            None if name.is_some() => last,
            None => last.saturating_sub(1),
        };
        let call = self.tally.call(index)?;
        if let Some(name) = name {
            call.name = name.to_owned();
        }
        match &function["arguments"] {
            Value::String(part) => call.extend(part),
            Value::Object(whole) => call.extend(&Value::Object(whole.clone()).to_string()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Ok(()),
        }
    }

    fn stop(&self, reason: &str) -> Stop {
        match reason {
            "length" => Stop::CutOff,
            "content_filter" => Stop::Refused("its provider's filter withheld the answer"),
            _ if self.has_refused => Stop::Refused("it does not want to answer this"),
            // "stop", "tool_calls", and what servers call it otherwise.
            _ => Stop::Complete,
        }
    }
}
