//! A provider that is out, for a while or for longer than its jobs have.

use std::time::Duration;

use contracts::event::RequeueReason;
use contracts::job::AttemptOutcome;
use contracts::{Code, Job, JobState};
use serde_json::json;
use testkit::loopback::ClosedPort;
use testkit::proof::{Length, figure};
use testkit::provider::{Reply, ScriptedProvider};
use tokio::time::{Instant, sleep};

use super::{ANSWER, Home, asking, openai, until_ended};

/// How long the provider is out.
const OUTAGE_S: Length = Length { short: 20, long: 600 };
const JOBS: usize = 8;
/// After an outage the next probe is due, and whoever waits is spread over half as long again.
const RECOVERY_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_out_an_outage_of_their_provider_and_lose_no_more_than_one_attempt() {
    let outage = Duration::from_secs(OUTAGE_S.now("ASSAY_TEST_OUTAGE_S") as u64);
    let provider = ScriptedProvider::start(|_, _| Reply::openai(ANSWER));
    let home = Home::with(&[("local", openai(&provider.url(), "m"))]);
    let server = home.serve();
    let closed = provider.stop().await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        let timeout_s = (outage + RECOVERY_MAX).as_secs() + 60;
        jobs.push(
            server.submit_with(asking(json!({ "max_attempts": 2, "timeout_s": timeout_s }))).await,
        );
    }
    // This one has less time than the outage takes.
    let hurried = server.submit_with(asking(json!({ "max_attempts": 2, "timeout_s": 12 }))).await;
    sleep(outage).await;
    for job in &jobs {
        let job = server.job(job).await;
        assert!(!job.state.is_terminal() && job.failures <= 1, "{job:?}");
    }
    let provider = ScriptedProvider::start_at(closed, |_, _| Reply::openai(ANSWER));
    let back = Instant::now();
    let mut ended = Vec::new();
    for job in &jobs {
        ended.push(until_ended(&server, job, RECOVERY_MAX).await);
    }
    let recovered_ms = back.elapsed().as_millis();
    for job in &ended {
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
        assert!(job.failures <= 1, "{job:?}");
    }
    let failures: u32 = ended.iter().map(|job| job.failures).sum();
    assert!(
        failures <= 1,
        "the second failure in a row is the outage's, and so is every later one"
    );
    assert_postponed(&ended[JOBS - 1]);
    let hurried = server.job(&hurried).await;
    assert_eq!(hurried.state, JobState::TimedOut, "{hurried:?}");
    assert_eq!(hurried.error.unwrap().code, Code::DeadlineExceeded);
    assert!(hurried.failures <= 1);
    drop(server);
    home.assert_sound();
    let seconds = outage.as_secs();
    figure(&format!("outage of a provider, {seconds} s: attempts lost by {JOBS} jobs"), failures);
    figure(&format!("outage of a provider, {seconds} s: all jobs done, ms after"), recovered_ms);
    figure(&format!("outage of a provider, {seconds} s: calls after it"), provider.count());
}

/// Some attempt of the job was given back without a failure, because its model was out.
fn assert_postponed(job: &Job) {
    let postponed = job.attempts.iter().filter(|attempt| {
        attempt.outcome == Some(AttemptOutcome::Requeued)
            && attempt.requeue_reason == Some(RequeueReason::CircuitOpen)
    });
    assert!(postponed.count() >= 1, "{job:?}");
    // Waiting is no call.
    assert!(job.usage.model_calls <= 4, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_answers_while_the_first_is_out() {
    let gone = ClosedPort::any();
    let other = ScriptedProvider::start(|_, _| Reply::openai(ANSWER));
    let first =
        format!("{}fallback = [\"other\"]\n", openai(&format!("http://{}", gone.address()), "m"));
    let home = Home::with(&[("first", first), ("other", openai(&other.url(), "m"))]);
    let server = home.serve();
    for _ in 0..3 {
        let job = server.submit_with(asking(json!({ "max_attempts": 1 }))).await;
        let job = server.until_ended(&job).await;
        assert_eq!((job.state, job.failures), (JobState::Succeeded, 0), "{job:?}");
        assert_eq!(job.result.unwrap().model, "other", "a result names who wrote it");
    }
    assert_eq!(other.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_its_model_and_an_unknown_one_is_refused() {
    let provider = ScriptedProvider::start(|_, _| Reply::openai(ANSWER));
    let home = Home::with(&[("local", openai(&provider.url(), "m"))]);
    let server = home.serve();
    for (model, calls) in [("extractive", 0), ("local", 1)] {
        let job = server.submit_with(asking(json!({ "model": model }))).await;
        let job = server.until_ended(&job).await;
        assert_eq!(job.result.unwrap().model, model);
        assert_eq!(provider.count(), calls, "{model}");
    }
    let body = asking(json!({ "model": "nobody" }));
    let url = format!("{}/v1/analysis", server.base());
    let refused = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/model");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("local, extractive"), "{detail}");
}
