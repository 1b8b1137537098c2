//! What becomes of jobs, in process, with scripted models.

use std::time::Duration;

use assay::config::{Config, DefaultModel};
use assay::embedded::Embedded;
use assay::system::{Running, Settings};
use contracts::result::Completeness;
use contracts::{Code, Job, JobId, JobState, Submission};
use engine::retry::RetryPolicy;
use engine::services::{CancelAnswer, CancelError, SubmitOptions};
use serde_json::{Value, json};

/// Everything here ends well within this.
const PATIENCE: Duration = Duration::from_secs(20);

struct System {
    embedded: Embedded,
    running: Running,
    _dir: tempfile::TempDir,
}

impl System {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::with_data_dir(dir.path()).unwrap();
        config.models.default = DefaultModel::Scripted { latency: Duration::ZERO, ledger: None };
        let soon = Duration::from_millis(10);
        let settings = Settings {
            retry: RetryPolicy { initial: soon, multiplier: 2.0, max: soon },
            grace: Duration::ZERO,
            ..Settings::default()
        };
        let embedded = Embedded::open(&config, settings).unwrap();
        let running = embedded.start();
        Self { embedded, running, _dir: dir }
    }

    async fn submit(&self, body: Value) -> JobId {
        let submission = Submission::from_value(body).unwrap();
        let (jobs, tenant) = (&self.embedded.system.jobs, &self.embedded.system.tenant);
        jobs.submit(tenant, submission, SubmitOptions::default()).await.unwrap().snapshot.job.id
    }

    async fn get(&self, id: JobId) -> Job {
        self.embedded.system.jobs.get(&self.embedded.system.tenant, id).await.unwrap()
    }

    async fn ended(&self, id: JobId) -> Job {
        self.once(id, JobState::is_terminal).await
    }

    /// The job, once it is in such a state.
    async fn once(&self, id: JobId, wanted: fn(JobState) -> bool) -> Job {
        let found = async || Some(self.get(id).await).filter(|job| wanted(job.state));
        testkit::eventually(PATIENCE, found).await
    }

    async fn running(&self, id: JobId) -> Job {
        self.once(id, |state| state == JobState::Running).await
    }

    async fn kinds(&self, id: JobId) -> Vec<String> {
        let (jobs, tenant) = (&self.embedded.system.jobs, &self.embedded.system.tenant);
        let page = jobs.events(tenant, id, 0, 10_000).await.unwrap();
        page.events.into_iter().map(|event| event.kind).collect()
    }
}

fn ask(question: &str) -> Value {
    json!({"company_name": "3M", "question": question})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scripted_job_succeeds_with_its_source() {
    let system = System::start().await;
    let job = system.ended(system.submit(ask("anything")).await).await;
    let result = job.result.unwrap();
    assert_eq!((job.state, result.model.as_str()), (JobState::Succeeded, "scripted"));
    assert_eq!(result.sources.len(), 1);
    let kinds = system.kinds(job.id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "source.retrieved").count(), 1);
    assert_eq!(job.version, kinds.len() as u64);
    assert_eq!(job.usage.model_calls, 1);
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transient_failure_is_retried_without_repeating_finished_steps() {
    let system = System::start().await;
    let job = system.ended(system.submit(ask("script: fail=transient*2")).await).await;
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Succeeded, 3, 2));
    let kinds = system.kinds(job.id).await;
    let count = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
    assert_eq!(count("job.attempt_failed"), 2);
    assert_eq!(count("source.retrieved"), 1);
    let timeline = job.timeline;
    let total = job.finished_at.unwrap().millis_since(job.created_at);
    assert_eq!(timeline.queued_ms + timeline.running_ms + timeline.backoff_ms, total);
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_model_fails_for_good_ends_as_its_client_wished() {
    let system = System::start().await;
    for (wish, state, code) in [
        ("partial", JobState::Succeeded, None),
        ("fail", JobState::Failed, Some(Code::AttemptsExhausted)),
    ] {
        let mut body = ask("script: fail=transient*99");
        body["on_step_failure"] = json!(wish);
        body["max_attempts"] = json!(2);
        let job = system.ended(system.submit(body).await).await;
        assert_eq!((job.state, job.error.as_ref().map(|error| error.code)), (state, code));
        match job.result {
            Some(result) => {
                assert_eq!(result.completeness, Completeness::Partial);
                assert_eq!((result.sources.len(), result.gaps.len()), (1, 1));
            }
            None => {
                let error = job.error.unwrap();
                assert_eq!(error.cause.unwrap().code, Code::ModelUnavailable);
                assert_eq!(job.failures, 2);
                assert_eq!(job.partial_result.unwrap().sources.len(), 1);
            }
        }
    }
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_step_is_that_attempts_failure_and_the_next_one_succeeds() {
    let system = System::start().await;
    for step in ["retrieve", "synthesize"] {
        let question = format!("script: fail=bug*1 step={step}");
        let job = system.ended(system.submit(ask(&question)).await).await;
        assert_eq!((job.state, job.attempt, job.failures), (JobState::Succeeded, 2, 1));
        let error = job.attempts[0].error.as_ref().unwrap();
        assert_eq!((error.code, error.step.as_deref()), (Code::Internal, Some(step)));
    }
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_failure_is_not_retried() {
    let system = System::start().await;
    let mut body = ask("script: fail=permanent*99 step=retrieve");
    body["on_step_failure"] = json!("partial");
    let job = system.ended(system.submit(body).await).await;
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Failed, 1, 1));
    assert_eq!(job.error.unwrap().retryable, Some(false));
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_by_its_worker_and_stays_cancelled() {
    let system = System::start().await;
    let id = system.submit(ask("script: delay_ms=60000")).await;
    system.running(id).await;
    let (jobs, tenant) = (&system.embedded.system.jobs, &system.embedded.system.tenant);
    let answer = jobs.cancel(tenant, id, Some("changed my mind".to_owned())).await.unwrap();
    assert!(matches!(answer, CancelAnswer::Cancelling(_)), "{answer:?}");
    let job = system.ended(id).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.error.unwrap().code, Code::CancelledByClient);
    let again = jobs.cancel(tenant, id, None).await.unwrap();
    assert!(matches!(again, CancelAnswer::Cancelled(_)), "{again:?}");
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_job_cannot_be_cancelled() {
    let system = System::start().await;
    let job = system.ended(system.submit(ask("anything")).await).await;
    let (jobs, tenant) = (&system.embedded.system.jobs, &system.embedded.system.tenant);
    let refused = jobs.cancel(tenant, job.id, None).await.unwrap_err();
    assert!(matches!(refused, CancelError::Ended(_)), "{refused:?}");
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_at_its_deadline_whatever_it_is_doing() {
    let system = System::start().await;
    let mut body = ask("script: delay_ms=60000");
    body["timeout_s"] = json!(5);
    let job = system.ended(system.submit(body).await).await;
    assert_eq!(job.state, JobState::TimedOut);
    assert_eq!(job.error.unwrap().code, Code::DeadlineExceeded);
    let late_ms = job.finished_at.unwrap().millis_since(job.deadline_at);
    assert!(late_ms <= 5_000, "{late_ms} ms");
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_shown_in_deltas_that_add_up_to_it() {
    let system = System::start().await;
    let id = system.submit(ask("script: output_bytes=300000")).await;
    let job = system.ended(id).await;
    let (jobs, tenant) = (&system.embedded.system.jobs, &system.embedded.system.tenant);
    let page = jobs.events(tenant, id, 0, 10_000).await.unwrap();
    let mut shown = String::new();
    for event in &page.events {
        assert!(serde_json::to_vec(event).unwrap().len() <= contracts::limits::EVENT_BYTES_MAX);
        if event.kind == "output.delta" {
            assert_eq!(event.data["offset"], shown.chars().count());
            shown.push_str(event.data["text"].as_str().unwrap());
        }
    }
    assert_eq!(shown, job.result.unwrap().summary);
    assert_eq!(page.events.last().unwrap().data["result_omitted"], true);
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_job_takes_over_what_is_still_good() {
    let system = System::start().await;
    let mut body = ask("script: fail=transient*99");
    body["on_step_failure"] = json!("fail");
    body["max_attempts"] = json!(1);
    let first = system.ended(system.submit(body).await).await;
    let (jobs, tenant) = (&system.embedded.system.jobs, &system.embedded.system.tenant);
    let again =
        jobs.retry(tenant, first.id, SubmitOptions::default()).await.unwrap().snapshot.job.id;
    let job = system.ended(again).await;
    assert_eq!(job.retry_of, Some(first.id));
    let page = jobs.events(tenant, again, 0, 1_000).await.unwrap();
    let taken_over: Vec<_> = page
        .events
        .iter()
        .filter(|event| event.data["taken_over_from"] == json!(first.id))
        .map(|event| event.kind.as_str())
        .collect();
    assert_eq!(taken_over, ["step.completed", "step.completed", "source.retrieved"]);
    system.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_system_hands_its_jobs_over_and_the_next_one_goes_on() {
    let system = System::start().await;
    let id = system.submit(ask("script: delay_ms=60000")).await;
    system.running(id).await;
    let System { embedded, running, _dir } = system;
    running.stop().await;
    let job = embedded.system.jobs.get(&embedded.system.tenant, id).await.unwrap();
    assert_eq!((job.state, job.failures), (JobState::Queued, 0));
}
