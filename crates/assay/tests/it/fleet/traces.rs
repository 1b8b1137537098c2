//! What a collector receives of a fleet.

mod collector;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use contracts::{Job, JobState, TraceContext};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use testkit::certificates::Certificates;
use testkit::loopback;
use testkit::proof::figure;
use testkit::provider::{Reply, Request, ScriptedProvider, streams};

use self::collector::{Collector, Span};
use self::tls::TlsFront;
use super::processes::{Fleet, Servers};
use crate::process::{PATIENCE, Server, Worker};

const QUESTION: &str = "How many anvils were sold in 2022?";
const DOCUMENT: &str = "Acme sold 5,678 anvils in 2022.";
const ANSWER: &str = "Acme sold 5,678 anvils in 2022 [1].";
/// What everything is sent along with.
const HEADERS: &str = "authorization=Basic%20dTpw";

/// A provider whose model calls a tool, fails once, then does not answer until it is let go, and
/// then answers.
async fn provider() -> ScriptedProvider {
    let answers = std::sync::atomic::AtomicUsize::new(0);
    ScriptedProvider::start(move |_, request| {
        if request.json()["tools"].is_array() {
            return choice(request);
        }
        match answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Reply::status(500),
            1 => Reply::silence(),
            _ => Reply::openai(ANSWER),
        }
    })
}

fn choice(request: &Request) -> Reply {
    if request.body.contains("A tool was called") {
        return Reply::openai("NONE");
    }
    let arguments = json!({ "expression": "1 + 1" }).to_string();
    Reply::stream().pieces(streams::openai_calls(&[("calculator", &arguments)]))
}

fn sending_to(mut command: Command, collector: &Collector) -> Command {
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", collector.protocol)
        .env("OTEL_EXPORTER_OTLP_HEADERS", HEADERS)
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    command
}

/// Posts a job as part of a caller's trace.
async fn post(gateway: &Server, trace: &TraceContext) -> Job {
    let body = json!({ "company_name": "Acme", "question": QUESTION });
    let url = format!("{}/v1/analysis", gateway.base());
    let client = reqwest::Client::new();
    let request = client.post(url).header("traceparent", trace.to_string()).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_retried_and_handed_over_is_one_connected_trace() {
    let Some(servers) = Servers::start().await else { return };
    let (collector, provider) = (Collector::grpc().await, provider().await);
    let fleet = Fleet::asking(&servers, &provider.url());
    fleet.ingest("report.md", DOCUMENT);
    let gateway = Server::of(sending_to(fleet.gateway_command("127.0.0.1:0"), &collector));
    let worker = |name| Worker::of(sending_to(fleet.worker_command(name), &collector));
    let documents = worker("one");
    let caller = TraceContext::begin(1.0);
    let job = post(&gateway, &caller).await;
    assert_eq!(job.trace_id, caller.trace_id());
    // The first answer fails; the second does not come before the worker is told to stop.
    let asked = async || (provider.count() >= 4).then_some(());
    testkit::eventually(PATIENCE, asked).await;
    let second = worker("two");
    assert!(documents.terminate());
    let ended = gateway.until_ended(&job).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 1), "{:?}", ended.error);
    assert!(second.terminate());
    assert!(gateway.terminate().0);
    let trace = of_trace(&collector, &caller);
    assert_connected(&trace, &caller);
    assert_told_of(&trace, &job);
    assert_conventional(&collector.spans());
    assert_measured(&collector);
    figure("spans of a job that was retried once and handed over", trace.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_traces_that_were_chosen_are_sent_and_over_http_as_well() {
    let Some(servers) = Servers::start().await else { return };
    let collector = Collector::http();
    let fleet = Fleet::new(&servers);
    let mut gateway = sending_to(fleet.gateway_command("127.0.0.1:0"), &collector);
    gateway.env("ASSAY_TRACE_RATIO", "0");
    let gateway = Server::of(gateway);
    let worker = Worker::of(sending_to(fleet.worker_command("one"), &collector));
    // Nobody chose this one: it is in no trace that is sent, though it has an id.
    let unsampled = gateway.submit("script: delay_ms=1").await;
    let caller = TraceContext::begin(1.0);
    let sampled = post(&gateway, &caller).await;
    for job in [&unsampled, &sampled] {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
    assert_ne!(unsampled.trace_id, sampled.trace_id);
    assert!(worker.terminate());
    assert!(gateway.terminate().0);
    let trace = of_trace(&collector, &caller);
    assert_eq!(trace.len(), collector.spans().len());
    assert_connected(&trace, &caller);
    assert_eq!(named(&trace, "attempt").len(), 1);
    assert_conventional(&trace);
    assert_measured(&collector);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_trace_begins_it_is_decided_whether_anybody_sends_it() {
    let Some(servers) = Servers::start().await else { return };
    let collector = Collector::http();
    let fleet = Fleet::new(&servers);
    let sending_all = |command| {
        let mut command = sending_to(command, &collector);
        command.env("ASSAY_TRACE_RATIO", "1");
        command
    };
    let gateway = fleet.gateway();
    let worker = Worker::of(sending_all(fleet.worker_command("one")));
    let by_gateway = gateway.submit("script: delay_ms=1").await;
    let submit = || {
        let mut command = fleet.command("client");
        command.args(["submit", "--company", "3M", "script: delay_ms=1"]);
        command
    };
    let by_command = submitted(submit(), &gateway).await;
    let chosen = submitted(sending_all(submit()), &gateway).await;
    for job in [&by_gateway, &by_command, &chosen] {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
    assert!(worker.terminate());
    let spans = collector.spans();
    let sent: BTreeSet<&[u8]> = spans.iter().map(|span| &*span.trace_id).collect();
    let chosen = u128::from_str_radix(&chosen.trace_id, 16).unwrap().to_be_bytes();
    assert_eq!(sent, BTreeSet::from([&chosen[..]]));
    assert_eq!(named(&spans, "attempt").len(), 1);
}

/// The job that a command has submitted.
async fn submitted(mut command: Command, gateway: &Server) -> Job {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let id = String::from_utf8(output.stdout).unwrap();
    gateway.get(&format!("/v1/analysis/{}", id.trim())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_does_not_answer_holds_nothing_up() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    for collector in [Collector::away(), Collector::silent()] {
        let gateway = Server::of(sending_to(fleet.gateway_command("127.0.0.1:0"), &collector));
        let worker = Worker::of(sending_to(fleet.worker_command("one"), &collector));
        let job = post(&gateway, &TraceContext::begin(1.0)).await;
        assert_eq!(gateway.until_ended(&job).await.state, JobState::Succeeded);
        assert!(worker.terminate());
        let (ended_well, took) = gateway.terminate();
        // What was not sent is given up after 5 s.
        assert!(ended_well && took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_sent_to_over_tls_if_its_certificate_is_trusted() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    for (is_trusted, collector) in [
        (true, Collector::grpc().await),
        (true, Collector::http()),
        (false, Collector::grpc().await),
        (false, Collector::http()),
    ] {
        let front = TlsFront::before(&collector.url, &certificates);
        let mut gateway = sending_to(fleet.gateway_command("127.0.0.1:0"), &collector);
        gateway.env("OTEL_EXPORTER_OTLP_ENDPOINT", &front.url);
        if is_trusted {
            gateway.env("SSL_CERT_FILE", certificates.authority());
        }
        let gateway = Server::of(gateway);
        let caller = TraceContext::begin(1.0);
        post(&gateway, &caller).await;
        let (ended_well, took) = gateway.terminate();
        assert!(ended_well && took < Duration::from_secs(10), "{took:?}");
        let spans = of_trace(&collector, &caller);
        let sent = named(&spans, "POST /v1/analysis").len();
        assert_eq!(sent, usize::from(is_trusted), "{}", collector.protocol);
        assert_eq!(collector.metrics().is_empty(), !is_trusted, "{}", collector.protocol);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_neither_traces_nor_measures_and_gives_a_job_its_trace_id_all_the_same() {
    let Some(servers) = Servers::start().await else { return };
    let collector = Collector::http();
    let fleet = Fleet::new(&servers);
    let [looked_after] = loopback::addresses();
    let mut gateway = sending_to(fleet.gateway_command("127.0.0.1:0"), &collector);
    gateway.env("OTEL_SDK_DISABLED", "true");
    gateway.env("ASSAY_ADMIN_LISTEN", looked_after.to_string());
    let mut worker = sending_to(fleet.worker_command("one"), &collector);
    worker.env("OTEL_SDK_DISABLED", "TRUE");
    let (gateway, worker) = (Server::of(gateway), Worker::of(worker));
    let caller = TraceContext::begin(1.0);
    let job = gateway.until_ended(&post(&gateway, &caller).await).await;
    assert_eq!((job.state, job.trace_id), (JobState::Succeeded, caller.trace_id()));
    let at = |path: &str| reqwest::get(format!("http://{looked_after}{path}"));
    assert_eq!(at("/metrics").await.unwrap().status(), 404);
    assert!(at("/readyz").await.unwrap().status().is_success());
    assert!(worker.terminate());
    assert!(gateway.terminate().0);
    assert!(collector.spans().is_empty() && collector.metrics().is_empty());
}

/// The spans of a trace, the earliest first.
fn of_trace(collector: &Collector, trace: &TraceContext) -> Vec<Span> {
    let trace_id = trace.trace_number().to_be_bytes();
    let mut spans = collector.spans();
    spans.retain(|span| span.trace_id == trace_id);
    spans.sort_by_key(|span| span.times);
    spans
}

fn named<'a>(trace: &'a [Span], name: &str) -> Vec<&'a Span> {
    trace.iter().filter(|span| span.name == name).collect()
}

/// Every span is reached from the caller's, and every link leads into the trace.
fn assert_connected(trace: &[Span], caller: &TraceContext) {
    let by_id: BTreeMap<&[u8], &Span> = trace.iter().map(|span| (&*span.id, span)).collect();
    assert_eq!(by_id.len(), trace.len(), "a span came twice");
    let root = caller.span_number().to_be_bytes();
    let roots: Vec<&str> =
        trace.iter().filter(|span| span.parent == root).map(|span| &*span.name).collect();
    assert_eq!(roots, ["POST /v1/analysis"]);
    for span in trace {
        let mut above = span;
        while above.parent != root {
            let parent = by_id.get(&*above.parent);
            above = parent.unwrap_or_else(|| panic!("{} has no parent here", above.name));
        }
        assert!(span.links.iter().all(|link| by_id.contains_key(&**link)), "{span:?}");
        assert!(span.times.0 <= span.times.1, "{span:?}");
    }
}

/// The attempts, what brought them to their workers, and what they did.
fn assert_told_of(trace: &[Span], job: &Job) {
    let attribute = |span: &Span, name: &str| span.attributes.get(name).cloned();
    let attempts = named(trace, "attempt");
    let outcomes: Vec<_> =
        attempts.iter().filter_map(|span| attribute(span, "assay.attempt.outcome")).collect();
    assert_eq!(outcomes, ["failed", "released", "succeeded"]);
    assert!(attempts[0].has_failed && !attempts[2].has_failed);
    assert_eq!(attribute(attempts[0], "error.type").as_deref(), Some("model_unavailable"));
    let workers: BTreeSet<_> =
        attempts.iter().map(|span| attribute(span, "assay.worker.id")).collect();
    assert_eq!(workers.len(), 2);
    assert!(
        attempts.iter().all(|span| attribute(span, "assay.job.id") == Some(job.id.to_string()))
    );
    // The hints: sent, and taken by whoever made the attempt.
    let (sent, taken) = (named(trace, "send assay.hints"), named(trace, "process assay.hints"));
    assert!(sent.iter().all(|span| span.kind == SpanKind::Producer));
    assert!(taken.iter().all(|span| span.kind == SpanKind::Consumer));
    for taken in &taken {
        assert!(sent.iter().any(|sent| taken.links == [sent.id.clone()]), "{taken:?}");
    }
    for attempt in &attempts {
        let brought = |taken: &&&Span| attempt.links == [taken.id.clone()];
        let brought = taken.iter().find(brought).unwrap_or_else(|| panic!("{attempt:?}"));
        assert_eq!(
            brought.resource["service.instance.id"],
            attempt.resource["service.instance.id"]
        );
    }
    assert_eq!(named(trace, "queue wait").len(), 3);
    for (name, times) in [
        ("step plan", 1),
        ("step retrieve", 1),
        ("retrieval", 1),
        ("step tools", 1),
        ("execute_tool calculator", 1),
        ("step synthesize", 3),
        ("step verify", 1),
        ("chat m", 5),
        ("INSERT jobs", 1),
    ] {
        assert_eq!(named(trace, name).len(), times, "{name}");
    }
    let services: BTreeSet<&str> =
        trace.iter().map(|span| &*span.resource["service.name"]).collect();
    assert_eq!(services, BTreeSet::from(["assay-gateway", "assay-worker"]));
}

/// What a process measures is sent as well, at the latest when it ends.
fn assert_measured(collector: &Collector) {
    let metrics = collector.metrics();
    for name in ["assay.jobs.created", "assay.attempts.ended", "http.server.request.duration"] {
        assert!(metrics.contains(name), "{name}: {metrics:?}");
    }
}

/// Names are those of the conventions or ours, and nothing that was asked or answered is in them.
fn assert_conventional(spans: &[Span]) {
    for span in spans {
        for (name, value) in &span.attributes {
            let is_known = telemetry::spans::CONVENTIONAL.contains(&&**name);
            assert!(is_known || name.starts_with("assay."), "{}: {name}", span.name);
            for private in ["anvils", "5,678", "1 + 1", "dTpw"] {
                assert!(!value.contains(private), "{}: {name} is {value}", span.name);
            }
        }
        assert_eq!(span.schema_urls, ["https://opentelemetry.io/schemas/1.41.0"; 2]);
        assert_eq!(span.resource["deployment.environment.name"], "test");
    }
}
