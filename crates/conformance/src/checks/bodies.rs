//! §2: every rule of a request's body, and how a breach of it is told.

use std::collections::BTreeSet;

use futures_util::stream;
use serde_json::{Value, json};

use crate::check::{Check, check};
use crate::fault::{Checked, During as _, equal};
use crate::jobs::with;
use crate::target::{ANALYSIS, Call, Target};

pub(super) const CHECKS: &[Check] = &[
    check("bodies/accepted", "what keeps the rules is valid, up to the very limits", |target| {
        Box::pin(accepted(target))
    }),
    check("bodies/refused", "each breach is a 422 with its JSON pointer", |target| {
        Box::pin(refused(target))
    }),
    check("bodies/all-errors", "one answer names every error", |target| {
        Box::pin(all_errors(target))
    }),
    check("bodies/malformed", "what is no JSON, or too deep, is a 400", |target| {
        Box::pin(malformed(target))
    }),
    check("bodies/media-type", "what is not application/json is a 415", |target| {
        Box::pin(media_type(target))
    }),
    check("bodies/size", "64 KiB are read, one byte more is a 413", |target| {
        Box::pin(size(target))
    }),
    check("bodies/other-calls", "cancel and retry hold their bodies to rules, too", |target| {
        Box::pin(other_calls(target))
    }),
];

/// Bytes of the largest body.
const BODY_BYTES_MAX: usize = 64 * 1024;

fn smallest() -> Value {
    json!({"company_name": "C", "question": "Q"})
}

fn validation(target: &Target) -> Call<'_> {
    target.post(&format!("{ANALYSIS}?validate_only=true"))
}

async fn accepted(target: &Target) -> Checked {
    let labels = |count: usize| -> Value {
        (0..count).map(|n| (format!("{n:063}"), Value::from("v".repeat(256)))).collect()
    };
    for fields in [
        json!({}),
        json!({"company_name": "ä".repeat(200)}),
        json!({"company_name": format!("  {}  ", "x".repeat(200))}),
        json!({"question": "\u{1F600}".repeat(4_000)}),
        json!({"timeout_s": 5}),
        json!({"timeout_s": 3_600, "queue_timeout_s": 3_600}),
        json!({"max_attempts": 1}),
        json!({"max_attempts": 10}),
        json!({"priority": 0}),
        json!({"priority": 9}),
        json!({"on_step_failure": "fail"}),
        json!({"on_step_failure": "partial"}),
        json!({"labels": labels(16)}),
        json!({"labels": {"k": ""}}),
        json!({"budget": {"max_tokens": 1, "max_cost_usd": 0.01, "max_calls": 1}}),
        json!({"document_ids": ["0198c0de-0000-7000-8000-000000000001"]}),
        json!({"timeout_s": null, "labels": null}),
    ] {
        let body = with(smallest(), &fields);
        validation(target).json(&body).send().await?.of_status(200).during(&fields)?;
    }
    Ok(())
}

/// What breaks a rule, and where.
fn breaches() -> Vec<(Value, &'static str)> {
    let seventeen: Value = (0..17).map(|n| (n.to_string(), Value::from(""))).collect();
    let longest_key: Value = [("k".repeat(64), Value::from(""))].into_iter().collect();
    let mut breaches = vec![
        (json!({"company_name": ""}), "/company_name"),
        (json!({"company_name": " \t"}), "/company_name"),
        (json!({"company_name": "ä".repeat(201)}), "/company_name"),
        (json!({"company_name": 3}), "/company_name"),
        (json!({"company_name": null}), "/company_name"),
        (json!({"company_name": "a\u{0}b"}), "/company_name"),
        (json!({"question": ""}), "/question"),
        (json!({"question": "q".repeat(4_001)}), "/question"),
        (json!({"question": "a\u{0}b"}), "/question"),
        (json!({"question": ["q"]}), "/question"),
        (json!({"on_step_failure": "panic"}), "/on_step_failure"),
        (json!({"labels": []}), "/labels"),
        (json!({"labels": seventeen}), "/labels"),
        (json!({"labels": {"": "x"}}), "/labels/"),
        (json!({"labels": {"a/b~c": 1}}), "/labels/a~1b~0c"),
        (json!({"labels": {"k": "v".repeat(257)}}), "/labels/k"),
        (json!({"model": "no model has this name"}), "/model"),
        (json!({"budget": {"max_calls": 0}}), "/budget/max_calls"),
        (json!({"budget": {"max_cost_usd": -1}}), "/budget/max_cost_usd"),
        (json!({"budget": {"more": 1}}), "/budget/more"),
        (json!({"document_ids": ["x"]}), "/document_ids/0"),
        (json!({"colour": "red"}), "/colour"),
        (json!({"a/b": 1}), "/a~1b"),
    ];
    let key = longest_key.as_object().and_then(|labels| labels.keys().next().cloned());
    let pointer: &'static str = match key {
        Some(_) => "/labels/kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
        None => "/labels",
    };
    breaches.push((json!({"labels": longest_key}), pointer));
    for (field, pointer, low, high) in [
        ("timeout_s", "/timeout_s", 4, 3_601),
        ("queue_timeout_s", "/queue_timeout_s", 0, 3_601),
        ("max_attempts", "/max_attempts", 0, 11),
        ("priority", "/priority", -1, 10),
    ] {
        for value in [json!(low), json!(high), json!(5.5), json!("5"), json!(u64::MAX)] {
            breaches.push((json!({field: value}), pointer));
        }
    }
    breaches
}

async fn refused(target: &Target) -> Checked {
    for (fields, pointer) in breaches() {
        let body = with(smallest(), &fields);
        let answer = validation(target).json(&body).send().await?;
        let answer = answer.problem(422, "invalid_request").during(&fields)?;
        equal("the pointers", pointers(answer.json()?), BTreeSet::from([pointer]))
            .during(&fields)?;
        let errors = answer.json()?["errors"].as_array().into_iter().flatten();
        for error in errors {
            let is_told = error["detail"].as_str().is_some_and(|detail| !detail.is_empty());
            equal("whether the error is told in words", is_told, true)?;
        }
    }
    Ok(())
}

async fn all_errors(target: &Target) -> Checked {
    let body = json!({
        "company_name": " ", "timeout_s": 4, "priority": "high", "labels": {"a": 1, "b": "fine"},
        "colour": "red",
    });
    let answer = target.submission(&body).send().await?.problem(422, "invalid_request")?;
    let all = ["/company_name", "/question", "/timeout_s", "/priority", "/labels/a", "/colour"];
    equal("the pointers", pointers(answer.json()?), all.into_iter().collect())
}

async fn malformed(target: &Target) -> Checked {
    let deep = format!("{{\"company_name\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    let not_utf8 = b"{\"company_name\": \"\xff\", \"question\": \"q\"}".to_vec();
    let lone_surrogate = br#"{"company_name": "\ud800", "question": "q"}"#.to_vec();
    for body in [
        Vec::new(),
        b"{".to_vec(),
        b"{}{}".to_vec(),
        b"company_name=C&question=Q".to_vec(),
        not_utf8,
        lone_surrogate,
        deep.into_bytes(),
    ] {
        let place = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = posting(target, "application/json").body(body).send().await?;
        answer.problem(400, "invalid_request").during(place)?;
    }
    let answer = target.submission(&json!([])).send().await?;
    answer.problem(422, "invalid_request").during("a body that is no object").map(drop)
}

async fn media_type(target: &Target) -> Checked {
    let good = smallest().to_string();
    let unsupported = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/jsonp",
    ];
    for media_type in unsupported {
        let answer = posting(target, media_type).body(good.clone()).send().await?;
        answer.problem(415, "unsupported_media_type").during(media_type)?;
    }
    let untyped = target.post(ANALYSIS).body(good.clone()).send().await?;
    untyped.problem(415, "unsupported_media_type").during("no Content-Type")?;
    let packed = posting(target, "application/json").header("content-encoding", "gzip");
    let packed = packed.body(good.clone()).send().await?;
    packed.problem(415, "unsupported_media_type").during("a compressed body")?;
    for media_type in ["application/json; charset=UTF-8", "Application/JSON"] {
        let call = validation(target).header("content-type", media_type).body(good.clone());
        call.send().await?.of_status(200).during(media_type)?;
    }
    Ok(())
}

async fn size(target: &Target) -> Checked {
    let padded = |bytes: usize| {
        let mut body = smallest().to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    let call = validation(target).header("content-type", "application/json");
    call.body(padded(BODY_BYTES_MAX)).send().await?.of_status(200).during("64 KiB")?;
    let over = padded(BODY_BYTES_MAX + 1);
    let answer = posting(target, "application/json").body(over.clone()).send().await?;
    answer.problem(413, "payload_too_large").during("64 KiB and a byte")?;
    // Without a length in front, the server has to count.
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        over.as_bytes().chunks(8 * 1024).map(|piece| Ok(piece.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    let answer = posting(target, "application/json").body(body).send().await?;
    answer.problem(413, "payload_too_large").during("a chunked body").map(drop)
}

async fn other_calls(target: &Target) -> Checked {
    let job = target.submit(&crate::jobs::plain()).await?;
    let calls = [
        (&job.cancel, json!({"reason": "r".repeat(501)}), "/reason"),
        (&job.cancel, json!({"reason": 1}), "/reason"),
        (&job.cancel, json!({"why": "x"}), "/why"),
        (&format!("{}/retry", job.path), json!({"question": "x"}), "/question"),
    ];
    for (path, body, pointer) in calls {
        let answer = target.post(path).json(&body).send().await?;
        let answer = answer.problem(422, "invalid_request").during(&body)?;
        equal("the pointers", pointers(answer.json()?), BTreeSet::from([pointer]))?;
    }
    target.abandon(&job).await
}

fn posting<'a>(target: &'a Target, media_type: &str) -> Call<'a> {
    target.post(ANALYSIS).header("content-type", media_type)
}

fn pointers(problem: &Value) -> BTreeSet<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["pointer"].as_str()).collect()
}
