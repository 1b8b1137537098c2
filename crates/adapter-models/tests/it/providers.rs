//! Providers that do what they should: what they are asked, and what becomes of their answers.

use std::time::Duration;

use adapter_models::{AnthropicModel, ApiKey, OpenAiModel, Prices, ProviderSettings};
use contracts::job::Usage;
use engine::ports::{
    Effect, LanguageModel, ModelError, ToolArguments, ToolChoiceRequest, ToolSpec,
};
use serde_json::{Value, json};
use testkit::provider::{Reply, ScriptedProvider, streams};

use crate::support::{Asked, Kept, call, passage, plan};

pub(crate) const ANSWER: &str = "3M spent $1,577 million on capital expenditures in 2018 [1].";
const SHOWN: &str = "3M spent $1,577 million on capital expenditures in 2018.";
const KEY: &str = "sk-very-private-key";

pub(crate) fn asked() -> Asked {
    Asked {
        company: "3M".to_owned(),
        question: "How much did 3M spend on capital expenditures in 2018?".to_owned(),
        plan: plan(&[&["capital expenditures", "purchases of property"]], &[2018]),
        passages: vec![
            passage(
                "Cash flows",
                "(Millions)  2018  2017\nPurchases of property, plant and equipment  (1,577)  (1,373)",
                2.0,
            ),
            passage("Staff", "3M employed 93,516 people at the end of 2018.", 1.0),
        ],
    }
}

/// Settings for a provider, with short time-outs.
pub(crate) fn settings(provider: &ScriptedProvider) -> ProviderSettings {
    let base_url = format!("{}/v1", provider.url());
    ProviderSettings {
        api_key: Some(ApiKey::new(KEY).expect("a key")),
        connect_timeout: Duration::from_secs(5),
        first_token_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(20),
        prices: Prices { input_usd: 3.0, output_usd: 15.0 },
        ..ProviderSettings::new("tested", &base_url, "scripted-1")
    }
}

pub(crate) fn openai(provider: &ScriptedProvider) -> OpenAiModel {
    OpenAiModel::new(settings(provider)).expect("a model")
}

pub(crate) fn anthropic(provider: &ScriptedProvider) -> AnthropicModel {
    AnthropicModel::new(settings(provider)).expect("a model")
}

/// Both protocols, over the same provider.
pub(crate) fn both(provider: &ScriptedProvider) -> [Box<dyn LanguageModel>; 2] {
    [Box::new(openai(provider)), Box::new(anthropic(provider))]
}

/// The protocol's form of an answer, by the path that was asked.
pub(crate) fn reply(path: &str, text: &str) -> Reply {
    if path.ends_with("/messages") { Reply::anthropic(text) } else { Reply::openai(text) }
}

#[tokio::test]
async fn an_answer_is_streamed_without_its_marks_and_verified_with_them() {
    for (recorded, is_anthropic) in [
        (include_str!("recorded/openai.sse"), false),
        (include_str!("recorded/vllm.sse"), false),
        (include_str!("recorded/ollama.sse"), false),
        (include_str!("recorded/anthropic.sse"), true),
    ] {
        // Cut anywhere, as a network does.
        for bytes in [1, 37, 100_000] {
            let pieces = recorded.as_bytes().chunks(bytes).map(<[u8]>::to_vec);
            let provider = ScriptedProvider::replying(vec![Reply::stream().pieces(pieces)]);
            let model = &both(&provider)[usize::from(is_anthropic)];
            let synthesis = asked().answered_by(model.as_ref()).await;
            assert_eq!(synthesis.text, SHOWN);
            let usage = synthesis.usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (1_117, 46));
            assert!((usage.cost_usd - (1_117.0 * 3.0 + 46.0 * 15.0) / 1e6).abs() < 1e-12);
            let result = asked().verified(&synthesis).expect("a verified answer");
            assert_eq!(result.sources.len(), 1);
            assert!(result.sources[0].excerpt.contains("(1,577)"));
        }
    }
}

#[tokio::test]
async fn a_request_says_who_asks_what_and_never_shows_the_key() {
    let provider = ScriptedProvider::start(|_, request| reply(&request.path, ANSWER));
    for model in both(&provider) {
        asked().answered_by(model.as_ref()).await;
    }
    let [openai, anthropic] = &provider.requests()[..] else { panic!("two requests") };
    assert_eq!((openai.method.as_str(), openai.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(openai.header("authorization"), Some("Bearer sk-very-private-key"));
    assert!(openai.header("user-agent").is_some_and(|agent| agent.starts_with("assay/")));
    assert!(openai.header("idempotency-key").is_some_and(|key| key.contains("-synthesize-0")));
    let body = openai.json();
    assert_eq!(body["model"], "scripted-1");
    assert_eq!(
        (&body["stream"], &body["stream_options"]["include_usage"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(body["max_tokens"], 4_096);
    assert_eq!(body["messages"][0]["role"], "system");
    let user = body["messages"][1]["content"].as_str().unwrap_or_default();
    assert!(
        user.contains("Purchases of property, plant and equipment  (1,577)  (1,373)"),
        "{user}"
    );

    assert_eq!(anthropic.path, "/v1/messages");
    assert_eq!(anthropic.header("x-api-key"), Some(KEY));
    assert_eq!(anthropic.header("anthropic-version"), Some("2023-06-01"));
    let body = anthropic.json();
    assert!(body["system"].as_str().is_some_and(|system| system.contains("square brackets")));
    assert_eq!(body["messages"][0], json!({ "role": "user", "content": user }));
    assert_eq!(body["max_tokens"], 4_096);
    for model in
        [format!("{:?}", self::openai(&provider)), format!("{:?}", self::anthropic(&provider))]
    {
        assert!(!model.contains("private"), "{model}");
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_idempotency_key_until_an_attempt_fails() {
    let provider = ScriptedProvider::start(|_, request| reply(&request.path, ANSWER));
    let model = openai(&provider);
    let asked = asked();
    let mut context = call(0);
    // A worker was lost, so the call is made again by another; then the attempt fails.
    for (attempt, failures) in [(1, 0), (2, 0), (3, 1)] {
        (context.attempt, context.failures) = (attempt, failures);
        let mut output = Kept::default();
        model.synthesize(&context, &asked.request(), &mut output).await.expect("an answer");
    }
    let requests = provider.requests();
    let keys: Vec<&str> =
        requests.iter().filter_map(|request| request.header("idempotency-key")).collect();
    assert_eq!((keys.len(), keys[0] == keys[1], keys[1] == keys[2]), (3, true, false), "{keys:?}");
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn an_answer_that_breaks_its_form_is_asked_for_once_more_and_the_text_starts_over() {
    for broken in [
        "3M spent $1,577 million.",
        "3M spent $1,577 million [7].",
        // Rounded, which no passage does.
        "3M spent $1.6 billion [1].",
        "[1]",
        "",
    ] {
        let provider = ScriptedProvider::start(move |number, request| {
            reply(&request.path, if number % 2 == 1 { broken } else { ANSWER })
        });
        for model in both(&provider) {
            let mut output = Kept::default();
            let synthesis = model
                .synthesize(&call(0), &asked().request(), &mut output)
                .await
                .expect("an answer");
            assert_eq!((synthesis.text.as_str(), output.pieces.concat().as_str()), (SHOWN, SHOWN));
            assert_eq!(output.resets, ["the answer broke its form and is written again"]);
            // Both requests are paid for; what a broken one cost may be an estimate.
            assert!(output.spent.model_calls == 1 && output.spent.input_tokens >= 100);
            asked().verified(&synthesis).expect("a verified answer");
        }
        let second = provider.requests()[1].json();
        let said = second["messages"].to_string();
        assert!(said.contains("Your answer cannot be used: "), "{said}");
        assert!(broken.is_empty() || said.contains(&broken.replace('"', "\\\"")), "{said}");
        let keys = provider.requests();
        assert_ne!(keys[0].header("idempotency-key"), keys[1].header("idempotency-key"));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_its_form_twice_is_invalid() {
    let provider = ScriptedProvider::start(|_, request| reply(&request.path, "Something, surely."));
    for (made, model) in (1..).zip(both(&provider)) {
        let mut output = Kept::default();
        let error = model
            .synthesize(&call(0), &asked().request(), &mut output)
            .await
            .expect_err("an error");
        assert!(matches!(&error, ModelError::Invalid(why) if why.contains("cites no passage")));
        assert_eq!((provider.count(), output.spent.output_tokens), (2 * made, 40));
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_at_its_limit_is_asked_for_once_more() {
    let provider = ScriptedProvider::start(|number, request| {
        let (mut pieces, end) = match request.path.ends_with("/messages") {
            true => (streams::anthropic_deltas(ANSWER), streams::anthropic_end("max_tokens")),
            false => (streams::openai_deltas(ANSWER), streams::openai_end("length")),
        };
        pieces.extend(end);
        if number % 2 == 1 { Reply::stream().pieces(pieces) } else { reply(&request.path, ANSWER) }
    });
    for model in both(&provider) {
        let mut output = Kept::default();
        let answered = model.synthesize(&call(0), &asked().request(), &mut output).await;
        assert_eq!((answered.expect("an answer").text.as_str(), output.resets.len()), (SHOWN, 1));
    }
    assert!(provider.requests()[1].body.contains("cut off at the limit of 4096 tokens"));
}

#[tokio::test]
async fn what_the_passages_do_not_hold_is_an_empty_answer() {
    let provider =
        ScriptedProvider::start(|_, request| reply(&request.path, "INSUFFICIENT EVIDENCE"));
    for model in both(&provider) {
        let synthesis = asked().answered_by(model.as_ref()).await;
        assert_eq!((synthesis.text.as_str(), synthesis.citations.len()), ("", 0));
    }
    assert_eq!(provider.count(), 2);
}

#[tokio::test]
async fn usage_is_estimated_where_the_provider_counts_nothing() {
    let mut pieces = streams::openai_deltas(ANSWER);
    pieces.push(streams::openai_chunk(&json!({}), Some("stop")));
    let provider = ScriptedProvider::replying(vec![Reply::stream().pieces(pieces)]);
    let usage = asked().answered_by(&openai(&provider)).await.usage;
    let body = provider.requests()[0].json();
    let sent: usize = [0, 1]
        .map(|at| body["messages"][at]["content"].as_str().unwrap_or_default().chars().count())
        .iter()
        .sum();
    let expected = (sent.div_ceil(4) as u64, ANSWER.len().div_ceil(4) as u64);
    assert_eq!((usage.input_tokens, usage.output_tokens), expected);
}

fn calculator() -> ToolSpec {
    let expression = json!({ "type": "string" });
    ToolSpec {
        name: "calculator".to_owned(),
        description: "Computes an expression.".to_owned(),
        input_schema: json!({ "type": "object", "properties": { "expression": expression } }),
        effect: Effect::Repeatable,
    }
}

fn calls(path: &str, calls: &[(&str, &str)]) -> Reply {
    Reply::stream().pieces(match path.ends_with("/messages") {
        true => streams::anthropic_calls(calls),
        false => streams::openai_calls(calls),
    })
}

#[tokio::test]
async fn a_model_says_which_tools_to_call_with_what() {
    let provider = ScriptedProvider::start(|_, request| {
        calls(&request.path, &[("calculator", r#"{"expression": "1577 / 32765"}"#), ("clock", "")])
    });
    let (asked, tools) = (asked(), [calculator()]);
    let request = ToolChoiceRequest { about: asked.request(), tools: &tools };
    for model in both(&provider) {
        let choice = model.choose_tools(&call(0), &request).await.expect("a choice");
        let wanted =
            |tool: &str, arguments: Value| ToolArguments { tool: tool.to_owned(), arguments };
        assert_eq!(
            choice.calls,
            [
                wanted("calculator", json!({ "expression": "1577 / 32765" })),
                wanted("clock", json!({})),
            ]
        );
        assert_eq!((choice.usage.input_tokens, choice.usage.output_tokens), (100, 20));
    }
    let [openai, anthropic] = &provider.requests()[..] else { panic!("two requests") };
    let function = &openai.json()["tools"][0]["function"];
    assert_eq!(
        (&function["name"], &function["parameters"]),
        (&json!("calculator"), &calculator().input_schema)
    );
    assert_eq!(anthropic.json()["tools"][0]["input_schema"], calculator().input_schema);
}

#[tokio::test]
async fn a_model_that_wants_no_tool_calls_none() {
    let provider = ScriptedProvider::start(|_, request| reply(&request.path, "NONE"));
    let (asked, tools) = (asked(), [calculator()]);
    for model in both(&provider) {
        let request = ToolChoiceRequest { about: asked.request(), tools: &tools };
        assert_eq!(model.choose_tools(&call(0), &request).await.expect("a choice").calls, []);
        // Nothing is asked where there is nothing to choose from.
        let request = ToolChoiceRequest { about: asked.request(), tools: &[] };
        let choice = model.choose_tools(&call(0), &request).await.expect("a choice");
        assert_eq!((choice.calls.len(), choice.usage), (0, Usage::default()));
    }
    assert_eq!(provider.count(), 2);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_asked_for_once_more() {
    for broken in [r#"{"expression": "#, "[1]", "1 + 1"] {
        let provider = ScriptedProvider::start(move |number, request| {
            let whole = r#"{"expression": "1"}"#;
            let arguments = if number % 2 == 1 { broken } else { whole };
            calls(&request.path, &[("calculator", arguments)])
        });
        let (asked, tools) = (asked(), [calculator()]);
        let request = ToolChoiceRequest { about: asked.request(), tools: &tools };
        for model in both(&provider) {
            let choice = model.choose_tools(&call(0), &request).await.expect("a choice");
            assert_eq!(choice.calls[0].arguments, json!({ "expression": "1" }));
            assert_eq!((choice.usage.model_calls, choice.usage.input_tokens), (1, 200));
        }
        provider.script(move |_, request| calls(&request.path, &[("calculator", broken)]));
        for model in both(&provider) {
            let error = model.choose_tools(&call(0), &request).await.expect_err("an error");
            assert!(matches!(error, ModelError::Invalid(_)), "{error}");
        }
    }
}
