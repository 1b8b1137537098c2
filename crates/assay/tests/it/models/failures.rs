//! Every failure of a provider, through the real program: its code, whether it is retried, and the
//! state that its job ends in.

use std::time::Duration;

use contracts::{Code, JobState};
use serde_json::json;
use testkit::loopback::ClosedPort;
use testkit::provider::{Reply, Request, ScriptedProvider, streams};

use super::{Home, anthropic, asking, openai, until_ended};

/// A failure's name, which is also its model's, and how an attempt ends that meets it.
struct Case {
    name: &'static str,
    code: Code,
    /// Whether another attempt follows, if there is one left.
    is_retried: bool,
}

const fn case(name: &'static str, code: Code, is_retried: bool) -> Case {
    Case { name, code, is_retried }
}

const CASES: &[Case] = &[
    case("status_400", Code::ModelRefused, false),
    case("status_401", Code::ModelUnavailable, false),
    case("status_403", Code::ModelUnavailable, false),
    case("status_404", Code::ModelUnavailable, false),
    case("status_408", Code::ModelUnavailable, true),
    case("status_413", Code::ModelRefused, false),
    case("status_429", Code::ModelRateLimited, true),
    case("status_500", Code::ModelUnavailable, true),
    case("status_503", Code::ModelUnavailable, true),
    case("status_529", Code::ModelUnavailable, true),
    case("no_answer", Code::ModelUnavailable, true),
    case("slow_first_token", Code::ModelTimeout, true),
    case("stall", Code::ModelTimeout, true),
    case("cut", Code::ModelUnavailable, true),
    case("garbage", Code::ModelOutputInvalid, true),
    case("empty", Code::ModelOutputInvalid, true),
];

fn reply(request: &Request) -> Reply {
    let body = request.json();
    let name = body["model"].as_str().unwrap_or_default();
    let is_openai = request.path.ends_with("/chat/completions");
    let begun = || match is_openai {
        true => Reply::stream().pieces(streams::openai_deltas("In 2018")),
        false => Reply::stream().pieces(streams::anthropic_deltas("In 2018")),
    };
    match name {
        "no_answer" => Reply::none(),
        "slow_first_token" => Reply::silence(),
        "stall" => begun().stall(),
        "cut" => begun().cut(),
        "garbage" => Reply::stream().send("data: {\"choices\": [\n\n"),
        "empty" if is_openai => Reply::openai(""),
        "empty" => Reply::anthropic(""),
        status => Reply::status(status.trim_start_matches("status_").parse().unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_of_a_provider_ends_in_its_code_its_state_and_its_retry() {
    let provider = ScriptedProvider::start(|_, request| reply(request));
    let closed = ClosedPort::any();
    let gone = format!("http://{}", closed.address());
    let unknown = "http://no-such-host.invalid".to_owned();
    let mut cases: Vec<(String, String, &Case)> = Vec::new();
    for case in CASES {
        let url = provider.url();
        cases.push((format!("openai-{}", case.name), openai(&url, case.name), case));
        cases.push((format!("anthropic-{}", case.name), anthropic(&url, case.name), case));
    }
    let out = case("out", Code::ModelUnavailable, true);
    for (name, url) in [("refused", &gone), ("dns", &unknown)] {
        cases.push((format!("openai-{name}"), openai(url, "m"), &out));
        cases.push((format!("anthropic-{name}"), anthropic(url, "m"), &out));
    }
    // One process takes 32 models.
    for some in cases.chunks(32) {
        let models: Vec<(&str, String)> =
            some.iter().map(|(name, fields, _)| (name.as_str(), fields.clone())).collect();
        let home = Home::with(&models);
        let server = home.serve();
        let mut jobs = Vec::new();
        for (name, _, case) in some {
            let body = json!({ "model": name, "max_attempts": 1, "on_step_failure": "fail" });
            jobs.push((name, *case, server.submit_with(asking(body)).await));
        }
        for (name, case, job) in jobs {
            let job = until_ended(&server, &job, Duration::from_secs(60)).await;
            assert_eq!((job.state, job.failures), (JobState::Failed, 1), "{name}: {job:?}");
            let error = job.error.unwrap();
            let failure = job.attempts[0].error.as_ref().unwrap();
            assert_eq!(failure.code, case.code, "{name}: {failure:?}");
            assert_eq!(failure.retryable, Some(case.is_retried), "{name}: {failure:?}");
            let ends_with = if case.is_retried { Code::AttemptsExhausted } else { case.code };
            assert_eq!(error.code, ends_with, "{name}: {error:?}");
        }
        drop(server);
        home.assert_sound();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_is_kept_to() {
    let provider = ScriptedProvider::start(|number, _| match number {
        1 => Reply::status(429).header("retry-after", "3"),
        _ => Reply::openai(super::ANSWER),
    });
    let home = Home::with(&[("local", openai(&provider.url(), "m"))]);
    let server = home.serve();
    let job = server.submit_with(asking(json!({}))).await;
    let job = server.until_ended(&job).await;
    assert_eq!((job.state, job.failures), (JobState::Succeeded, 1), "{job:?}");
    let [first, second] = &job.attempts[..] else { panic!("two attempts: {job:?}") };
    let waited_ms = second.started_at.millis_since(first.finished_at.unwrap());
    assert!((3_000..6_000).contains(&waited_ms), "{waited_ms} ms");
    assert_eq!(first.error.as_ref().unwrap().retry_after_s, Some(3));
}
