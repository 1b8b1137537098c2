//! Anthropic's messages (<https://docs.anthropic.com/en/api/messages-streaming>).

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use telemetry::metrics::models::Provider;

use super::protocol::{Ask, Piece, Protocol, ReadFault, Role, Stop, StreamReader, Tally};
use super::settings::{ProviderSettings, SettingsFault};

/// The version of the protocol that is spoken here.
const VERSION: &str = "2023-06-01";

/// The protocol.
#[derive(Debug)]
pub struct Anthropic;

impl Protocol for Anthropic {
    type Reader = AnthropicReader;

    const PROVIDER: Provider = Provider::Anthropic;
    const TAKES_IDEMPOTENCY_KEY: bool = false;

    /// The address may end in the version or not: both are written.
    fn endpoint(settings: &ProviderSettings) -> Result<Url, SettingsFault> {
        let url = settings.url()?;
        let path = if url.path().ends_with("/v1/") { "messages" } else { "v1/messages" };
        url.join(path).map_err(|_| SettingsFault::BaseUrl)
    }

    fn headers(settings: &ProviderSettings) -> Result<HeaderMap, SettingsFault> {
        let mut headers = HeaderMap::new();
        let version = HeaderName::from_static("anthropic-version");
        headers.insert(version, HeaderValue::from_static(VERSION));
        if let Some(key) = &settings.api_key {
            let mut value =
                HeaderValue::from_str(key.expose()).map_err(|_| SettingsFault::ApiKey)?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-api-key"), value);
        }
        Ok(headers)
    }

    fn body(settings: &ProviderSettings, ask: &Ask<'_>) -> Value {
        let messages = ask.turns().into_iter().map(|(role, content)| {
            let role = match role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            json!({ "role": role, "content": content })
        });
        let mut body = json!({
            "model": settings.model,
            "system": ask.prompt.system,
            "messages": messages.collect::<Vec<_>>(),
            "max_tokens": settings.max_output_tokens,
            "stream": true,
        });
        if let Some(temperature) = settings.temperature {
            body["temperature"] = temperature.into();
        }
        if !ask.tools.is_empty() {
            let tools = ask.tools.iter().map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.input_schema,
                })
            });
            body["tools"] = tools.collect();
        }
        body
    }
}

/// Reads events until `message_stop`. Those that it does not know are passed over, as the
/// protocol asks.
#[derive(Debug, Default)]
pub(super) struct AnthropicReader {
    tally: Tally,
    /// The blocks that are calls of tools: their numbers among all blocks.
    call_blocks: Vec<u64>,
}

impl StreamReader for AnthropicReader {
    fn read(&mut self, data: &str) -> Result<Piece, ReadFault> {
        let event: Value =
            serde_json::from_str(data).map_err(|_| ReadFault::Garbled("a message is no JSON"))?;
        let mut piece = Piece { is_progress: true, ..Piece::default() };
        match event["type"].as_str() {
            None => return Err(ReadFault::Garbled("an event has no type")),
            Some("error") => return Err(ReadFault::Told(event)),
            Some("message_stop") => piece.is_end = true,
            Some("message_start") => {
                self.count(&event["message"]["usage"]);
                piece.is_progress = false;
            }
            Some("message_delta") => {
                self.count(&event["usage"]);
                if let Some(reason) = event["delta"]["stop_reason"].as_str() {
                    self.tally.stop = Some(stop(reason));
                }
            }
            Some("content_block_start") => {
                let block = &event["content_block"];
                piece.text = block["text"].as_str().unwrap_or_default().to_owned();
                let is_call = block["type"] == "tool_use";
                // An empty block is a promise, and no token yet.
                piece.is_progress = is_call || !piece.text.is_empty();
                if is_call {
                    let index = self.call_blocks.len();
                    self.call_blocks.push(event["index"].as_u64().unwrap_or_default());
                    let name = block["name"].as_str().unwrap_or_default();
                    name.clone_into(&mut self.tally.call(index)?.name);
                }
            }
            Some("content_block_delta") => piece.text = self.delta(&event)?,
            Some(_) => piece.is_progress = false,
        }
        Ok(piece)
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

impl AnthropicReader {
    /// Counts are totals: the last one of each holds.
    fn count(&mut self, usage: &Value) {
        let Tally { input_tokens, output_tokens, .. } = &mut self.tally;
        *output_tokens = usage["output_tokens"].as_u64().or(*output_tokens);
        // What was read from the cache, or written to it, is input as well.
        if let Some(fresh) = usage["input_tokens"].as_u64() {
            let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
            let cached = cached.iter().filter_map(|field| usage[field].as_u64());
            *input_tokens = Some(cached.fold(fresh, u64::saturating_add));
        }
    }

    fn delta(&mut self, event: &Value) -> Result<String, ReadFault> {
        let delta = &event["delta"];
        if let Some(part) = delta["partial_json"].as_str() {
            let block = event["index"].as_u64().unwrap_or_default();
            let call = self.call_blocks.iter().position(|known| *known == block);
            let call = call.ok_or(ReadFault::Garbled("input for no tool"))?;
            self.tally.call(call)?.extend(part)?;
        }
        Ok(delta["text"].as_str().unwrap_or_default().to_owned())
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" => Stop::CutOff,
        "model_context_window_exceeded" => Stop::ContextFull,
        "refusal" => Stop::Refused("it does not want to answer this"),
        // "end_turn", "stop_sequence", "tool_use", and what is still to come.
        _ => Stop::Complete,
    }
}
