//! What a fleet says of itself at `/metrics`, against what happened.

mod bed;
mod scrape;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use contracts::Job;
use contracts::job::AttemptOutcome;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use self::bed::Bed;
use super::processes::Servers;

/// Jobs that succeed, fail for good, fail once, and call tools, one of which refuses.
const QUESTIONS: &[&str] = &[
    "script: delay_ms=5",
    "script: delay_ms=5",
    "script: fail=permanent",
    "script: fail=transient*1",
    "script: tool=calculator:0.1+0.2 tool=calculator:1/0",
];
/// What runs until it is cancelled.
const LONG: &str = "script: delay_ms=60000";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fleet_measures_is_what_happened() {
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::start(&servers).await;
    let ended = bed.scrape().await.sum("assay_jobs_ended_total", &[]);
    assert_eq!(ended, Some(0.0), "what has not happened is there, at 0");
    let jobs = run_jobs(&bed).await;
    assert_jobs(&bed, &jobs).await;
    assert_steps(&bed, &jobs).await;
    assert_parts(&bed, &jobs).await;
    assert_gauges(&bed).await;
    let public = reqwest::get(format!("{}/metrics", bed.gateway.base())).await.unwrap();
    assert_eq!(public.status(), 404, "clients have no business there");
}

/// Runs jobs to every kind of end, and follows one. All of them, as they ended.
async fn run_jobs(bed: &Bed) -> Vec<Job> {
    let gateway = &bed.gateway;
    let asking = |question: &str| json!({ "company_name": "3M", "question": question, "on_step_failure": "fail" });
    let mut jobs = Vec::new();
    for question in QUESTIONS {
        jobs.push(gateway.submit_with(asking(question)).await);
    }
    for model in ["answers", "babbles"] {
        let mut of_provider = asking("What was asked?");
        of_provider["model"] = model.into();
        of_provider["max_attempts"] = 1.into();
        jobs.push(gateway.submit_with(of_provider).await);
    }
    jobs.push(follow_and_cancel(bed, asking(LONG)).await);
    let mut ended = Vec::new();
    for job in &jobs {
        ended.push(gateway.until_ended(job).await);
    }
    ended
}

/// Follows a job, cancels it, and reads its stream to the end.
async fn follow_and_cancel(bed: &Bed, asking: Value) -> Job {
    let job = bed.gateway.submit_with(asking).await;
    let path = format!("{}{}", bed.gateway.base(), job.links.events);
    let request = Client::new().get(path).header("accept", "text/event-stream");
    let stream = request.send().await.unwrap();
    let followers = [("kind", "sse")];
    bed.until("assay_streams_subscribers", &followers, 1.0).await;
    bed.gateway.until_event(&job, |kind, _| kind == "job.started").await;
    bed.until("assay_worker_slots", &[("state", "held")], 1.0).await;
    let cancel = format!("{}{}", bed.gateway.base(), job.links.cancel);
    assert!(Client::new().post(cancel).send().await.unwrap().status().is_success());
    assert!(stream.text().await.unwrap().contains("job.cancelled"));
    bed.until("assay_streams_subscribers", &followers, 0.0).await;
    job
}

/// How often something is to be counted, by metric and labels.
type Counts<'a> = BTreeMap<(&'a str, Vec<(&'a str, String)>), f64>;

/// Jobs, attempts and retries are counted once, under their states and codes.
async fn assert_jobs(bed: &Bed, jobs: &[Job]) {
    let mut expected = Counts::new();
    let mut count = |name, labels| *expected.entry((name, labels)).or_default() += 1.0;
    for job in jobs {
        let code = job.error.as_ref().map_or("none", |error| error.code.as_str()).to_owned();
        let state = job.state.as_str().to_owned();
        count("assay_jobs_created_total", vec![]);
        count("assay_job_duration_seconds_count", vec![("state", state.clone())]);
        count("assay_jobs_ended_total", vec![("state", state), ("code", code)]);
        for attempt in &job.attempts {
            count("assay_attempts_started_total", vec![]);
            let start = if attempt.attempt == 1 { "first" } else { "again" };
            count("assay_job_start_latency_seconds_count", vec![("start", start.to_owned())]);
            let code = attempt.error.as_ref().map_or("none", |error| error.code.as_str());
            let outcome = match attempt.outcome.unwrap() {
                AttemptOutcome::Succeeded => "succeeded",
                AttemptOutcome::Failed => "failed",
                AttemptOutcome::Requeued => "requeued",
                AttemptOutcome::Ended => "ended",
            };
            let labels = vec![("outcome", outcome.to_owned()), ("code", code.to_owned())];
            count("assay_attempts_ended_total", labels);
            if outcome == "failed" && attempt.attempt < job.attempt {
                count("assay_job_retries_total", vec![("code", code.to_owned())]);
            }
        }
    }
    let states: BTreeSet<&str> = jobs.iter().map(|job| job.state.as_str()).collect();
    assert_eq!(states, BTreeSet::from(["cancelled", "failed", "succeeded"]));
    for ((name, labels), expected) in expected {
        let labels: Vec<_> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
        bed.until(name, &labels, expected).await;
    }
    bed.until("assay_job_retries_total", &[], 1.0).await;
}

async fn assert_steps(bed: &Bed, jobs: &[Job]) {
    let mut steps: BTreeMap<(String, &str), f64> = BTreeMap::new();
    for job in jobs {
        for event in bed.gateway.events(job).await.events {
            let outcome = match event.kind.as_str() {
                "step.completed" => "completed",
                "step.failed" => "failed",
                _ => continue,
            };
            let step = event.data["step"].as_str().unwrap();
            // Parts of a step are numbered in the log, and are one word here.
            let step = step.split('-').next().unwrap().to_owned();
            *steps.entry((step, outcome)).or_default() += 1.0;
        }
    }
    assert!(steps.len() >= 6, "{steps:?}");
    for ((step, outcome), expected) in steps {
        let labels = [("step", step.as_str()), ("outcome", outcome)];
        bed.until("assay_step_duration_seconds_count", &labels, expected).await;
    }
    for (outcome, code) in [("completed", "none"), ("failed", "tool_rejected")] {
        let labels = [("outcome", outcome), ("code", code)];
        bed.until("assay_tool_calls_ended_total", &labels, 1.0).await;
    }
}

/// The broker, the database, the model and the gateway did what these jobs took.
#[expect(clippy::cast_precision_loss, reason = "few tokens, few jobs")]
async fn assert_parts(bed: &Bed, jobs: &[Job]) {
    let spent = |of: fn(&Job) -> u64| jobs.iter().map(of).sum::<u64>() as f64;
    let (input, output) =
        (spent(|job| job.usage.input_tokens), spent(|job| job.usage.output_tokens));
    assert!(input >= 100.0 && output >= 20.0, "the provider's model was asked");
    for (kind, tokens) in [("input", input), ("output", output)] {
        let kind = [("gen_ai_token_type", kind)];
        bed.until("gen_ai_client_token_usage_sum", &kind, tokens).await;
    }
    // Of the one that babbles: its answer and the repair of that, but not its choice of tools.
    let wasted = [("input", 200.0), ("output", 40.0)];
    for (kind, tokens) in wasted {
        bed.until("assay_model_tokens_wasted_total", &[("gen_ai_token_type", kind)], tokens).await;
    }
    let failed = [("gen_ai_request_model", "babbles"), ("error_type", "model_output_invalid")];
    bed.until("gen_ai_client_operation_duration_seconds_count", &failed, 1.0).await;
    let cost_usd: f64 = jobs.iter().map(|job| job.usage.cost_usd).sum();
    bed.until("assay_model_cost_usd_total", &[], cost_usd).await;
    let posts = [
        ("http_request_method", "POST"),
        ("http_route", "/v1/analysis"),
        ("http_response_status_code", "202"),
    ];
    bed.until("http_server_request_duration_seconds_count", &posts, jobs.len() as f64).await;

    let scrape = bed.scrape().await;
    let at_least = |name: &str, labels: &[(&str, &str)], least: usize| {
        let found = scrape.sum(name, labels).unwrap_or_default();
        assert!(found >= least as f64, "{name} {labels:?} is {found}, not {least} or more");
    };
    let hints = [("messaging_destination_name", "assay.hints")];
    let news = [("messaging_destination_name", "assay.progress")];
    at_least("messaging_client_sent_messages_total", &hints, jobs.len());
    at_least("messaging_client_consumed_messages_total", &hints, jobs.len());
    at_least("messaging_client_operation_duration_seconds_count", &hints, jobs.len());
    at_least("messaging_client_sent_messages_total", &news, 4 * jobs.len());
    at_least("messaging_client_consumed_messages_total", &news, 4 * jobs.len());
    at_least("assay_streams_lag_seconds_count", &[], 1);
    at_least("assay_hints_refill_duration_seconds_count", &[("outcome", "succeeded")], 1);
    for lane in ["submit", "claim", "write"] {
        at_least("db_client_operation_duration_seconds_count", &[("db_operation_name", lane)], 1);
        at_least(
            "assay_store_group_commit_batch_size_sum",
            &[("db_operation_name", lane)],
            jobs.len(),
        );
    }
    for pool in ["reads", "commits"] {
        let pool = [("db_client_connection_pool_name", pool)];
        at_least("db_client_connection_wait_time_seconds_count", &pool, 1);
        at_least("db_client_connection_count", &pool, 1);
    }
    for zero in ["assay_store_fenced_writes_total", "assay_process_panics_total"] {
        assert_eq!(scrape.sum(zero, &[]), Some(0.0), "{zero}");
    }
}

/// Once nothing is left to do, the gauges say so.
async fn assert_gauges(bed: &Bed) {
    for state in ["due", "held", "backing_off"] {
        bed.until("assay_jobs_backlog", &[("state", state)], 0.0).await;
    }
    bed.until("assay_jobs_oldest_due_age_seconds", &[], 0.0).await;
    bed.until("assay_worker_slots", &[("state", "free")], 8.0).await;
    bed.until("assay_worker_slots", &[("state", "held")], 0.0).await;
    bed.until("assay_process_draining", &[], 0.0).await;
    for (connection, processes) in [("hints", 2.0), ("deliveries", 1.0), ("news", 2.0)] {
        bed.until("assay_broker_connected", &[("connection", connection)], processes).await;
    }
    bed.until("assay_model_circuit_open", &[("gen_ai_request_model", "answers")], 0.0).await;
    let lease_age = bed.scrape().await.sum("assay_worker_lease_age_seconds", &[]).unwrap();
    assert!((0.0..10.0).contains(&lease_age), "{lease_age} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clients_send_there_are_no_more_series() {
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::start(&servers).await;
    let client = Client::new();
    let hostile = async |n: usize| {
        let base = bed.gateway.base();
        let method = Method::from_bytes(format!("CHOSEN{n}").as_bytes()).unwrap();
        let mut answers = vec![
            client.request(method, format!("{base}/v1/analysis")).send().await.unwrap().status(),
            client.get(format!("{base}/chosen/{n}")).send().await.unwrap().status(),
            client.get(format!("{base}/v1/analysis/chosen-{n}")).send().await.unwrap().status(),
        ];
        let chosen = |field: &str, value: Value| {
            let mut body = json!({ "company_name": format!("chosen {n}"), "question": "script:" });
            body[field] = value;
            body
        };
        for body in [
            chosen("model", format!("chosen-{n}").into()),
            chosen(&format!("chosen_{n}"), true.into()),
            chosen("labels", json!({ format!("chosen-{n}"): format!("chosen {n}") })),
        ] {
            let posted = client.post(format!("{base}/v1/analysis")).json(&body).send().await;
            answers.push(posted.unwrap().status());
        }
        answers.iter().map(reqwest::StatusCode::as_u16).collect::<Vec<_>>()
    };
    let answers = hostile(0).await;
    assert_eq!(answers, [405, 404, 404, 422, 422, 202]);
    // Until the first such job has left every series that such a job leaves.
    bed.until("assay_jobs_ended_total", &[("state", "succeeded")], 1.0).await;
    let before: BTreeSet<String> = bed.scrape().await.series();
    for n in 1..=40 {
        assert_eq!(hostile(n).await, answers);
    }
    bed.until("assay_jobs_ended_total", &[("state", "succeeded")], 41.0).await;
    let after: BTreeSet<String> = bed.scrape().await.series();
    assert!(!after.iter().any(|series| series.to_lowercase().contains("chosen")));
    // What the processes happened to do meanwhile may be new, and is little.
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.len() <= 40, "{} of {} series are new: {new:#?}", new.len(), after.len());
}
