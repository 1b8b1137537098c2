//! Streams of both protocols as their providers send them, one message a piece.

use serde_json::{Value, json};

/// Characters of a delta: few, so that marks and words are cut.
const DELTA_CHARS: usize = 7;

/// An OpenAI-compatible answer: its deltas, the end, usage, `[DONE]`.
#[must_use]
pub fn openai(text: &str) -> Vec<String> {
    let mut pieces = openai_deltas(text);
    pieces.extend(openai_end("stop"));
    pieces
}

/// The beginning of an OpenAI-compatible answer: its role and its deltas, without an end.
#[must_use]
pub fn openai_deltas(text: &str) -> Vec<String> {
    let role = openai_chunk(&json!({ "role": "assistant", "content": "" }), None);
    let deltas = deltas(text).map(|delta| openai_chunk(&json!({ "content": delta }), None));
    std::iter::once(role).chain(deltas).collect()
}

/// An OpenAI-compatible answer that calls functions: each a name and its arguments as text.
#[must_use]
pub fn openai_calls(calls: &[(&str, &str)]) -> Vec<String> {
    let mut pieces = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let id = format!("call_{index}");
        let begun = json!({ "index": index, "id": id, "type": "function",
            "function": { "name": name, "arguments": "" } });
        pieces.push(openai_chunk(&json!({ "tool_calls": [begun] }), None));
        pieces.extend(deltas(arguments).map(|delta| {
            let call = json!({ "index": index, "function": { "arguments": delta } });
            openai_chunk(&json!({ "tool_calls": [call] }), None)
        }));
    }
    pieces.extend(openai_end("tool_calls"));
    pieces
}

/// How an OpenAI-compatible stream ends: for this reason, with 100 and 20 tokens.
#[must_use]
pub fn openai_end(finish_reason: &str) -> Vec<String> {
    let usage = json!({ "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 });
    let usage = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": "scripted-1", "choices": [], "usage": usage });
    vec![openai_chunk(&json!({}), Some(finish_reason)), data(&usage), "data: [DONE]\n\n".to_owned()]
}

/// One message of an OpenAI-compatible stream.
#[must_use]
pub fn openai_chunk(delta: &Value, finish_reason: Option<&str>) -> String {
    let choice =
        json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
    data(&json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
        "model": "scripted-1", "choices": [choice], "usage": null }))
}

/// An answer of Anthropic's messages, from `message_start` to `message_stop`.
#[must_use]
pub fn anthropic(text: &str) -> Vec<String> {
    let mut pieces = anthropic_deltas(text);
    pieces.extend(anthropic_end("end_turn"));
    pieces
}

/// The beginning of such an answer: its deltas, without an end.
#[must_use]
pub fn anthropic_deltas(text: &str) -> Vec<String> {
    let block = json!({ "type": "text", "text": "" });
    let mut pieces = vec![
        anthropic_start(),
        event(&json!({ "type": "content_block_start", "index": 0, "content_block": block })),
        event(&json!({ "type": "ping" })),
    ];
    pieces.extend(deltas(text).map(|text| {
        let delta = json!({ "type": "text_delta", "text": text });
        event(&json!({ "type": "content_block_delta", "index": 0, "delta": delta }))
    }));
    pieces
}

/// An answer of Anthropic's messages that uses tools: each a name and its input as text.
#[must_use]
pub fn anthropic_calls(calls: &[(&str, &str)]) -> Vec<String> {
    let mut pieces = vec![anthropic_start()];
    for (index, (name, input)) in calls.iter().enumerate() {
        let id = format!("toolu_{index}");
        let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
        pieces.push(event(
            &json!({ "type": "content_block_start", "index": index, "content_block": block }),
        ));
        pieces.extend(deltas(input).map(|part| {
            let delta = json!({ "type": "input_json_delta", "partial_json": part });
            event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }))
        }));
        pieces.push(event(&json!({ "type": "content_block_stop", "index": index })));
    }
    pieces.extend(anthropic_end("tool_use"));
    pieces
}

/// How such a stream ends: for this reason, with 100 and 20 tokens.
#[must_use]
pub fn anthropic_end(stop_reason: &str) -> Vec<String> {
    let delta = json!({ "stop_reason": stop_reason, "stop_sequence": null });
    let usage = json!({ "output_tokens": 20 });
    vec![
        event(&json!({ "type": "message_delta", "delta": delta, "usage": usage })),
        event(&json!({ "type": "message_stop" })),
    ]
}

fn anthropic_start() -> String {
    let usage = json!({ "input_tokens": 90, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 10, "output_tokens": 1 });
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "content": [],
        "model": "scripted-1", "stop_reason": null, "stop_sequence": null, "usage": usage });
    event(&json!({ "type": "message_start", "message": message }))
}

/// A message without a name, as OpenAI sends them.
#[must_use]
pub fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A message named after its type, as Anthropic sends them.
#[must_use]
pub fn event(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}

fn deltas(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(DELTA_CHARS).map_or(rest.len(), |(end, _)| end);
        let (delta, after) = rest.split_at(end);
        rest = after;
        (!delta.is_empty()).then_some(delta)
    })
}
