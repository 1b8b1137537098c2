//! Every code of the registry: who can be told it today, and how.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::{Code, JobId};
use serde_json::{Value, json};

use crate::client::{Client, asking, body, header, problem};
use crate::system::{start, start_with_tools};

/// What calls are answered with.
const BY_CALLS: &[Code] = &[
    Code::InvalidRequest,
    Code::Unauthorized,
    Code::Forbidden,
    Code::NotFound,
    Code::Gone,
    Code::IdempotencyKeyReused,
    Code::CursorAhead,
    Code::JobAlreadyTerminal,
    Code::JobNotTerminal,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
];

/// What jobs and their attempts end with.
const BY_JOBS: &[Code] = &[
    Code::DeadlineExceeded,
    Code::QueueTimeout,
    Code::CancelledByClient,
    Code::SourceUnreachable,
    Code::ModelUnavailable,
    Code::ModelRateLimited,
    Code::ModelTimeout,
    Code::ModelRefused,
    Code::BudgetExceeded,
    Code::AttemptsExhausted,
    Code::Internal,
];

/// What these tests cannot produce, and why.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::QuotaExceeded, "api: a_socket_follows_no_more_jobs_than_is_published"),
    (Code::CapacityReduced, "the store must fail; api: faults"),
    (Code::OutcomeUnknown, "the store must fail; api: faults"),
    (Code::WorkerLost, "a process must die three times; crashes"),
    (Code::InsufficientEvidence, "the scripted model always has some; filings and cli"),
    (Code::ModelOutputInvalid, "the scripted model keeps the rules; engine"),
    (Code::DocumentUnreadable, "documents cannot be sent over HTTP yet; hostile_files"),
];

/// What calls of tools fail with.
const BY_TOOLS: &[Code] = &[Code::ToolUnavailable, Code::ToolRejected];

#[test]
fn every_code_is_produced_or_has_its_reason() {
    let elsewhere = ELSEWHERE.iter().map(|(code, _)| code);
    let mut all: Vec<&str> = BY_CALLS
        .iter()
        .chain(BY_JOBS)
        .chain(BY_TOOLS)
        .chain(elsewhere)
        .map(|code| code.as_str())
        .collect();
    all.sort_unstable();
    let mut registry: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    registry.sort_unstable();
    assert_eq!(all, registry, "each once");
}

#[tokio::test]
async fn calls_are_answered_with_their_codes() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let ended = client.submit("What is the answer?").await;
    let gone = client.submit("What was the answer?").await;
    client.ended(&ended).await;
    client.ended(&gone).await;
    assert_eq!(client.delete(&gone).send().await.unwrap().status(), 204);
    let running = client.submit("script: delay_ms=600000").await;
    let keyed = |question: &str| {
        client.post("/v1/analysis").header("idempotency-key", "k").json(&asking(question))
    };
    keyed("One thing?").send().await.unwrap();
    let issued = client.post(&format!("{ended}/tickets")).send().await.unwrap();
    let ticket = body(issued).await["ticket"].as_str().unwrap().to_owned();
    let mut produced = BTreeSet::new();
    for request in [
        client.get(&format!("{ended}?colour=red")),
        client.get(&format!("{ended}?ticket=x")),
        client.get(&format!("{running}?ticket={ticket}")),
        client.get(&format!("/v1/analysis/{}", JobId::new())),
        client.get(&gone),
        keyed("Another thing?"),
        client.get(&format!("{ended}/events?after=1000")),
        client.post(&format!("{ended}/cancel")),
        client.delete(&running),
        client.post("/v1/analysis").json(&asking(&"x".repeat(70_000))),
        client.post("/v1/analysis").body("x"),
    ] {
        produced.insert(code_of(&problem(request.send().await.unwrap()).await.1));
    }
    assert_eq!(produced, names(BY_CALLS));
    client.post(&format!("{running}/cancel")).send().await.unwrap();
    system.stop().await;
}

#[tokio::test]
async fn jobs_end_with_their_codes() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let mut paths = Vec::new();
    for (question, options) in [
        ("script: fail=permanent step=retrieve", json!({})),
        ("script: fail=transient", json!({"max_attempts": 2})),
        ("script: fail=rate_limited", json!({"max_attempts": 1})),
        ("script: fail=timeout", json!({"max_attempts": 1})),
        ("script: fail=permanent", json!({})),
        ("script: fail=bug", json!({})),
        ("script: fail=transient*1", json!({"budget": {"max_calls": 1}})),
    ] {
        paths.push(submit(client, question, options).await);
    }
    for path in &paths {
        client.ended(path).await;
    }
    // As many as there are slots, so that the next one waits.
    let long = json!({"timeout_s": 5});
    for _ in 0..4 {
        paths.push(submit(client, "script: delay_ms=600000", long.clone()).await);
        client.once_in(paths.last().unwrap(), "running").await;
    }
    paths.push(submit(client, "What is the answer?", json!({"queue_timeout_s": 1})).await);
    paths.push(submit(client, "What is the answer?", json!({})).await);
    client.post(&format!("{}/cancel", paths.last().unwrap())).send().await.unwrap();
    let mut produced = BTreeSet::new();
    for path in &paths {
        let job = client.ended(path).await;
        let attempts = job["attempts"].as_array().unwrap();
        let errors = attempts.iter().map(|attempt| &attempt["error"]).chain([&job["error"]]);
        produced.extend(errors.filter(|error| error.is_object()).map(code_of));
    }
    assert_eq!(produced, names(BY_JOBS));
    tokio::time::timeout(Duration::from_secs(60), system.stop()).await.unwrap();
}

#[tokio::test]
async fn calls_of_tools_fail_with_their_codes() {
    let (system, _dir) = start_with_tools().await;
    let client = &system.client;
    let told = "script: tool=scripted_read:{\"fail\":\"rejected\"}";
    let path = submit(client, told, json!({})).await;
    assert_eq!(client.ended(&path).await["state"], "succeeded", "the model is told");
    let response = client.get(&format!("{path}/events")).send().await.unwrap();
    let log = body(response).await;
    let mut failed = log["events"].as_array().unwrap().iter();
    let failed = failed.find(|event| event["type"] == "tool_call.failed").unwrap();
    let mut produced = BTreeSet::from([code_of(&failed["data"]["error"])]);
    let strict = "script: tool=scripted_read:{\"fail\":\"unavailable\"}";
    let path = submit(client, strict, json!({"max_attempts": 1})).await;
    let job = client.ended(&path).await;
    assert_eq!(job["state"], "failed");
    produced.insert(code_of(&job["attempts"][0]["error"]));
    assert_eq!(produced, names(BY_TOOLS));
    system.stop().await;
}

async fn submit(client: &Client, question: &str, options: Value) -> String {
    let mut request = asking(question);
    request["on_step_failure"] = json!("fail");
    request.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let response = client.post("/v1/analysis").json(&request).send().await.unwrap();
    assert_eq!(response.status(), 202, "{request}");
    header(&response, "location").to_owned()
}

fn code_of(problem: &Value) -> String {
    problem["code"].as_str().unwrap().to_owned()
}

fn names(codes: &[Code]) -> BTreeSet<String> {
    codes.iter().map(|code| code.as_str().to_owned()).collect()
}
