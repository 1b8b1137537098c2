//! Every way in which a provider fails, and what it means: the table of docs/models.md.

use std::time::Duration;

use adapter_models::{OpenAiModel, ProviderSettings};
use contracts::Code;
use engine::ErrorClass;
use engine::ports::{LanguageModel, ModelError};
use serde_json::{Value, json};
use testkit::provider::{Reply, Request, ScriptedProvider, streams};
use tokio::time::Instant;

use crate::providers::{ANSWER, anthropic, asked, both, openai, reply, settings};
use crate::support::{Kept, call};

pub(crate) const TRANSIENT: ErrorClass = ErrorClass::Transient { retry_after: None };

/// Asks both protocols, and checks what comes of it.
async fn both_fail(
    what: &str,
    script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    (class, code): (ErrorClass, Code),
) -> Vec<String> {
    let provider = ScriptedProvider::start(script);
    let mut said = Vec::new();
    for model in both(&provider) {
        let error = asked().refused_by(model.as_ref(), 0).await;
        assert_eq!((error.class(), error.code()), (class, code), "{what}: {error}");
        said.push(error.to_string());
    }
    said
}

/// An error body as each protocol writes it.
fn error(path: &str, status: u16, kind: &str, message: &str) -> Reply {
    let body = match path.ends_with("/messages") {
        true => json!({ "type": "error", "error": { "type": kind, "message": message },
            "request_id": "req_1" }),
        false => json!({ "error": { "message": message, "type": kind, "param": null,
            "code": null } }),
    };
    Reply::json(status, &body)
}

#[tokio::test]
async fn every_status_has_its_class_and_code() {
    let permanent = |code| (ErrorClass::Permanent, code);
    for (status, expected) in [
        (400, permanent(Code::ModelRefused)),
        (401, permanent(Code::ModelUnavailable)),
        (402, permanent(Code::ModelUnavailable)),
        (403, permanent(Code::ModelUnavailable)),
        (404, permanent(Code::ModelUnavailable)),
        (405, permanent(Code::ModelUnavailable)),
        (408, (TRANSIENT, Code::ModelUnavailable)),
        (409, (TRANSIENT, Code::ModelUnavailable)),
        (413, permanent(Code::ModelRefused)),
        (418, permanent(Code::ModelUnavailable)),
        (422, permanent(Code::ModelRefused)),
        (425, (TRANSIENT, Code::ModelUnavailable)),
        (429, (ErrorClass::RateLimited { retry_after: None }, Code::ModelRateLimited)),
        (500, (TRANSIENT, Code::ModelUnavailable)),
        (502, (TRANSIENT, Code::ModelUnavailable)),
        (503, (TRANSIENT, Code::ModelUnavailable)),
        (529, (TRANSIENT, Code::ModelUnavailable)),
        (204, (TRANSIENT, Code::ModelUnavailable)),
        (307, permanent(Code::ModelUnavailable)),
    ] {
        let script = move |_, request: &Request| {
            error(&request.path, status, "some_error", "what it says").header("location", "/other")
        };
        let said = both_fail(&format!("status {status}"), script, expected).await;
        assert!(said.iter().all(|said| !said.contains("location")), "{said:?}");
    }
}

#[tokio::test]
async fn what_a_provider_asks_to_wait_is_the_floor_of_the_next_attempt() {
    let wait = Some(Duration::from_secs(7));
    for (status, class, code) in [
        (429, ErrorClass::RateLimited { retry_after: wait }, Code::ModelRateLimited),
        (408, ErrorClass::Transient { retry_after: wait }, Code::ModelUnavailable),
        (503, ErrorClass::Transient { retry_after: wait }, Code::ModelUnavailable),
        (529, ErrorClass::Transient { retry_after: wait }, Code::ModelUnavailable),
    ] {
        for (name, value) in [
            ("retry-after", "7"),
            ("retry-after-ms", "7000"),
            ("retry-after", "Sat, 28 Nov 2026 12:00:07 GMT"),
        ] {
            let script = move |_, _: &Request| {
                let date = "Sat, 28 Nov 2026 12:00:00 GMT";
                Reply::status(status).header("date", date).header(name, value)
            };
            both_fail(&format!("{status} with {name}: {value}"), script, (class, code)).await;
        }
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_not_waited_for() {
    let body = json!({ "error": { "message": "You exceeded your current quota.",
        "type": "insufficient_quota", "param": null, "code": "insufficient_quota" } });
    let script = move |_, _: &Request| Reply::json(429, &body);
    both_fail("quota", script, (ErrorClass::Permanent, Code::ModelUnavailable)).await;
}

#[tokio::test]
async fn a_providers_words_are_shown_on_one_short_line_and_never_with_the_key() {
    let long = format!("No\n  such\u{7} sk-very-private-key {}", "x".repeat(1_000));
    for status in [400, 401, 403, 404, 500] {
        let words = long.clone();
        let script = move |_, request: &Request| error(&request.path, status, "bad", &words);
        let provider = ScriptedProvider::start(script);
        for model in both(&provider) {
            let said = asked().refused_by(model.as_ref(), 0).await.to_string();
            assert!(!said.contains("private") && !said.contains('\n'), "{said}");
            assert!(said.chars().count() < 420, "{said}");
            assert_eq!(said.contains("No such …"), !matches!(status, 401 | 403), "{said}");
        }
    }
    // A proxy's page, an endless body, and none.
    for body in
        ["<html><body>Bad gateway</body></html>".to_owned(), "y".repeat(1_000_000), String::new()]
    {
        let script = move |_, _: &Request| Reply::status(502).send(body.clone());
        let said = both_fail("502", script, (TRANSIENT, Code::ModelUnavailable)).await;
        assert!(said.iter().all(|said| !said.contains("html") && said.len() < 420), "{said:?}");
    }
    let script = |_, _: &Request| Reply::status(503).stall();
    both_fail("no body comes", script, (TRANSIENT, Code::ModelUnavailable)).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    for (what, deltas) in [("early", 0), ("later", 5)] {
        let script = move |_, request: &Request| beginning(&request.path, deltas).cut();
        both_fail(what, script, (TRANSIENT, Code::ModelUnavailable)).await;
        // The same, with an end of the body but none of the answer.
        let script = move |_, request: &Request| beginning(&request.path, deltas);
        both_fail(what, script, (TRANSIENT, Code::ModelUnavailable)).await;
    }
    let script = |_, _: &Request| Reply::none();
    both_fail("no head", script, (TRANSIENT, Code::ModelUnavailable)).await;
    let script = |_, _: &Request| Reply::raw("220 mail.example.org ESMTP\r\n");
    both_fail("no HTTP", script, (TRANSIENT, Code::ModelUnavailable)).await;
}

/// A stream that has begun, with so many pieces of text.
fn beginning(path: &str, deltas: usize) -> Reply {
    let (pieces, opening) = match path.ends_with("/messages") {
        true => (streams::anthropic_deltas(ANSWER), 3),
        false => (streams::openai_deltas(ANSWER), 1),
    };
    Reply::stream().pieces(pieces.into_iter().take(opening + deltas))
}

#[tokio::test]
async fn a_provider_that_says_nothing_in_time_has_timed_out() {
    let short = Duration::from_millis(300);
    let long = Duration::from_secs(20);
    type Script = fn(usize, &Request) -> Reply;
    let scripts: [(&str, Script, Duration, Duration); 5] = [
        ("no head", |_, _| Reply::silence(), short, long),
        ("no first token", |_, request| beginning(&request.path, 0).stall(), short, long),
        ("comments alone", |_, _| Reply::stream().repeat(": still here\n\n"), short, long),
        ("a stall", |_, request| beginning(&request.path, 4).stall(), long, short),
        (
            "pings alone",
            |_, request| match request.path.ends_with("/messages") {
                true => beginning(&request.path, 4)
                    .repeat("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
                false => beginning(&request.path, 4).repeat(": ping\n\n"),
            },
            long,
            short,
        ),
    ];
    for (what, script, first_token_timeout, idle_timeout) in scripts {
        let provider = ScriptedProvider::start(script);
        let settings =
            ProviderSettings { first_token_timeout, idle_timeout, ..settings(&provider) };
        let models: [Box<dyn LanguageModel>; 2] = [
            Box::new(OpenAiModel::new(settings.clone()).expect("a model")),
            Box::new(adapter_models::AnthropicModel::new(settings).expect("a model")),
        ];
        for model in models {
            let began = Instant::now();
            let error = asked().refused_by(model.as_ref(), 0).await;
            assert_eq!(
                (error.class(), error.code()),
                (ErrorClass::Timeout, Code::ModelTimeout),
                "{what}"
            );
            assert!(began.elapsed() < Duration::from_secs(10), "{what}: {:?}", began.elapsed());
        }
    }
}

#[tokio::test]
async fn no_call_takes_longer_than_its_job_has_left() {
    let provider = ScriptedProvider::start(|_, request| {
        // It thinks for ever.
        let thought = match request.path.ends_with("/messages") {
            true => streams::event(&json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "thinking_delta", "thinking": "hm" } })),
            false => streams::openai_chunk(&json!({ "reasoning_content": "hm" }), None),
        };
        beginning(&request.path, 0).wait(Duration::from_millis(50)).repeat(thought)
    });
    for model in both(&provider) {
        let mut context = call(0);
        context.left = Duration::from_millis(400);
        let mut output = Kept::default();
        let error = model.synthesize(&context, &asked().request(), &mut output).await;
        // Which of the two bounds is met first depends on the machine.
        assert!(matches!(error, Err(ModelError::Timeout | ModelError::Invalid(_))), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_means_what_its_status_would() {
    let permanent = |code| (ErrorClass::Permanent, code);
    for (kind, expected) in [
        ("overloaded_error", (TRANSIENT, Code::ModelUnavailable)),
        ("api_error", (TRANSIENT, Code::ModelUnavailable)),
        ("unheard_of_error", (TRANSIENT, Code::ModelUnavailable)),
        (
            "rate_limit_error",
            (ErrorClass::RateLimited { retry_after: None }, Code::ModelRateLimited),
        ),
        ("invalid_request_error", permanent(Code::ModelRefused)),
        ("authentication_error", permanent(Code::ModelUnavailable)),
    ] {
        let script = move |_, request: &Request| {
            let body = json!({ "type": "error", "error": { "type": kind, "message": "Sorry" } });
            let told = match request.path.ends_with("/messages") {
                true => streams::event(&body),
                false => streams::data(&json!({ "error": body["error"] })),
            };
            beginning(&request.path, 3).send(told)
        };
        both_fail(kind, script, expected).await;
    }
    // As vLLM tells it.
    let script = |_, request: &Request| match request.path.ends_with("/messages") {
        true => beginning(&request.path, 0),
        false => beginning(&request.path, 0).send(streams::data(&json!({ "error": {
            "object": "error", "message": "CUDA out of memory", "type": "InternalServerError",
            "code": 503 } }))),
    };
    both_fail("a number", script, (TRANSIENT, Code::ModelUnavailable)).await;
}

#[tokio::test]
async fn what_is_no_answer_of_the_protocol_is_invalid() {
    for (what, data) in [
        ("no JSON", "data: {\"choices\": [{\"delta\": \n\n".to_owned()),
        ("no object", "data: 7\n\n".to_owned()),
        ("no UTF-8", "\u{fffd}".to_owned()),
        ("an endless line", format!("data: {}", "x".repeat(2 * 1024 * 1024))),
    ] {
        let bytes = if what == "no UTF-8" { b"data: \xff\n\n".to_vec() } else { data.into_bytes() };
        let script = move |_, request: &Request| beginning(&request.path, 2).send(bytes.clone());
        both_fail(what, script, (TRANSIENT, Code::ModelOutputInvalid)).await;
    }
    // A server that knows no streaming answers with the whole.
    let whole = json!({ "choices": [{ "message": { "content": ANSWER } }] });
    let script = move |_, _: &Request| Reply::json(200, &whole);
    both_fail("no stream", script, (TRANSIENT, Code::ModelUnavailable)).await;
}

#[tokio::test]
async fn an_empty_answer_is_invalid() {
    let script = |_, request: &Request| reply(&request.path, " \n");
    both_fail("empty", script, (TRANSIENT, Code::ModelOutputInvalid)).await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_at_its_bound() {
    let script = |_, request: &Request| {
        let text = "and so on ".repeat(100);
        let delta = match request.path.ends_with("/messages") {
            true => streams::event(&json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": text } })),
            false => streams::openai_chunk(&json!({ "content": text }), None),
        };
        Reply::stream().repeat(delta)
    };
    let said = both_fail("endless", script, (TRANSIENT, Code::ModelOutputInvalid)).await;
    assert!(said.iter().all(|said| said.contains("more than 262144 bytes")), "{said:?}");
}

#[tokio::test]
async fn a_refusal_is_permanent() {
    let end =
        |pieces: Vec<String>, end: Vec<String>| Reply::stream().pieces([pieces, end].concat());
    let refusal = streams::openai_chunk(&json!({ "refusal": "I cannot help." }), None);
    let openai_replies = [
        end(streams::openai_deltas("3M"), streams::openai_end("content_filter")),
        end(vec![refusal], streams::openai_end("stop")),
    ];
    for reply in openai_replies {
        let provider = ScriptedProvider::replying(vec![reply]);
        refused(&openai(&provider)).await;
    }
    for reason in ["refusal", "model_context_window_exceeded"] {
        let reply = end(streams::anthropic_deltas("3M"), streams::anthropic_end(reason));
        let provider = ScriptedProvider::replying(vec![reply]);
        refused(&anthropic(&provider)).await;
    }
}

async fn refused(model: &dyn LanguageModel) {
    let mut output = Kept::default();
    let error = model.synthesize(&call(0), &asked().request(), &mut output).await;
    let error = error.expect_err("a refusal");
    assert_eq!((error.class(), error.code()), (ErrorClass::Permanent, Code::ModelRefused));
    // It was asked once, and that is paid for.
    assert_eq!((output.spent.model_calls, output.spent.input_tokens), (0, 100));
}

#[tokio::test]
async fn what_a_failed_call_had_cost_is_counted() {
    let script = |_: usize, request: &Request| beginning(&request.path, 5).cut();
    let provider = ScriptedProvider::start(script);
    for model in both(&provider) {
        let mut output = Kept::default();
        let error = model.synthesize(&call(0), &asked().request(), &mut output).await;
        error.expect_err("an error");
        assert!(output.spent.input_tokens >= 100 && output.spent.output_tokens > 0);
        assert!(output.spent.cost_usd > 0.0);
    }
    // A request that was refused cost nothing.
    provider.script(|_, _| Reply::json(500, &Value::Null));
    let mut output = Kept::default();
    let error = openai(&provider).synthesize(&call(0), &asked().request(), &mut output).await;
    error.expect_err("an error");
    assert_eq!(output.spent, contracts::job::Usage::default());
}
