use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::job::Usage;
use contracts::{DocumentId, JobId, Timestamp, TraceContext, WorkerId};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use opentelemetry_semantic_conventions::attribute;
use tracing_subscriber::layer::SubscriberExt as _;

use super::layer;
use crate::context;
use crate::spans::{self, Attempt, Chat, Request, Statement};

/// The attributes of the conventions that our spans have, as they are published.
#[expect(deprecated, reason = "the next version has those of generative AI in another repository")]
const PUBLISHED: &[&str] = &[
    attribute::DB_COLLECTION_NAME,
    attribute::DB_OPERATION_NAME,
    attribute::DB_SYSTEM_NAME,
    attribute::ERROR_TYPE,
    attribute::GEN_AI_OPERATION_NAME,
    attribute::GEN_AI_PROVIDER_NAME,
    attribute::GEN_AI_REQUEST_MAX_TOKENS,
    attribute::GEN_AI_REQUEST_MODEL,
    attribute::GEN_AI_TOOL_CALL_ID,
    attribute::GEN_AI_TOOL_NAME,
    attribute::GEN_AI_TOOL_TYPE,
    attribute::GEN_AI_USAGE_INPUT_TOKENS,
    attribute::GEN_AI_USAGE_OUTPUT_TOKENS,
    attribute::HTTP_REQUEST_METHOD,
    attribute::HTTP_RESPONSE_STATUS_CODE,
    attribute::HTTP_ROUTE,
    attribute::MESSAGING_DESTINATION_NAME,
    attribute::MESSAGING_MESSAGE_ID,
    attribute::MESSAGING_OPERATION_NAME,
    attribute::MESSAGING_OPERATION_TYPE,
    attribute::MESSAGING_RABBITMQ_DESTINATION_ROUTING_KEY,
    attribute::MESSAGING_SYSTEM,
    attribute::SERVER_ADDRESS,
    attribute::SERVER_PORT,
    attribute::URL_PATH,
    attribute::URL_SCHEME,
];

/// Keeps what would be sent.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        ready(Ok(()))
    }
}

/// What is sent of what happens here, by the names of the spans.
fn sent(sampler: Sampler, act: impl FnOnce()) -> BTreeMap<String, SpanData> {
    let kept = Kept::default();
    let traces = SdkTracerProvider::builder()
        .with_simple_exporter(kept.clone())
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .build();
    let subscriber = tracing_subscriber::registry().with(layer(&traces));
    tracing::subscriber::with_default(subscriber, act);
    let spans = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    spans.into_iter().map(|span| (span.name.to_string(), span)).collect()
}

fn request<'a>(trace: Option<&'a TraceContext>) -> Request<'a> {
    let (path, route) = ("/v1/analysis", Some("/v1/analysis"));
    Request { method: "POST", path, route, is_of_client: true, id: "r-1", trace }
}

/// Every span that there is, each with all that it may say.
fn everything() {
    let (job_id, trace) = (JobId::new(), TraceContext::begin(1.0));
    let (span, _) = spans::request(&request(None));
    span.in_scope(|| {
        drop(spans::database(Statement {
            system: "postgresql",
            operation: "INSERT",
            table: "jobs",
        }));
    });
    spans::answered(&span, 503);
    drop(spans::send_hint("assay.hints", "m-1", job_id, &trace));
    drop(spans::process_hint("assay.hints", job_id, &trace));
    let worker = WorkerId::new();
    let attempt =
        spans::attempt(&Attempt { job_id, number: 1, worker, trace: &trace, brought_by: None });
    spans::ended(&attempt, "succeeded");
    attempt.in_scope(|| {
        drop(spans::step("plan"));
        drop(spans::retrieval());
        let (provider, model, server) = ("openai", "gpt", "localhost");
        let chat = spans::chat(&Chat { provider, model, server, port: 443, max_tokens: 1 });
        spans::spent(&chat, Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() });
        spans::failed(&chat, "model_timeout");
        drop(spans::tool_call("calculator", "c-1"));
    });
    drop(spans::document(DocumentId::new(), &trace));
}

#[test]
fn every_attribute_is_one_of_the_conventions_or_ours() {
    let spans = sent(Sampler::AlwaysOn, everything);
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    let all = [
        "INSERT jobs",
        "POST /v1/analysis",
        "attempt",
        "chat gpt",
        "execute_tool calculator",
        "process assay.hints",
        "read document",
        "retrieval",
        "send assay.hints",
        "step plan",
    ];
    assert_eq!(names, all);
    assert_eq!(spans::CONVENTIONAL, PUBLISHED);
    let mut unused: Vec<&str> = PUBLISHED.to_vec();
    for (name, span) in &spans {
        for attribute in &span.attributes {
            let key = attribute.key.as_str();
            unused.retain(|used| *used != key);
            assert!(key.starts_with("assay.") || PUBLISHED.contains(&key), "{name}: {key}");
        }
    }
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn kinds_statuses_parents_and_links_are_what_the_conventions_ask_for() {
    let spans = sent(Sampler::AlwaysOn, everything);
    let kind = |name: &str| spans[name].span_kind.clone();
    assert_eq!(kind("POST /v1/analysis"), SpanKind::Server);
    assert_eq!(kind("INSERT jobs"), SpanKind::Client);
    assert_eq!(kind("send assay.hints"), SpanKind::Producer);
    assert_eq!(kind("process assay.hints"), SpanKind::Consumer);
    assert_eq!(kind("chat gpt"), SpanKind::Client);
    assert_eq!(kind("attempt"), SpanKind::Internal);
    let failed: Vec<&str> = spans
        .iter()
        .filter(|(_, span)| matches!(span.status, Status::Error { .. }))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(failed, ["POST /v1/analysis", "chat gpt"]);
    let process = &spans["process assay.hints"];
    assert_eq!(process.links[0].span_context.span_id(), process.parent_span_id);
    assert_eq!(spans["step plan"].parent_span_id, spans["attempt"].span_context.span_id());
}

#[test]
fn a_caller_decides_whether_its_trace_is_sent() {
    let sampled = TraceContext::begin(1.0);
    let unsampled =
        TraceContext::of_span(sampled.trace_number(), sampled.span_number(), 0).unwrap();
    for (ratio, given, is_sent) in [
        (Sampler::AlwaysOff, Some(&sampled), true),
        (Sampler::AlwaysOn, Some(&unsampled), false),
        (Sampler::AlwaysOff, None, false),
        (Sampler::AlwaysOn, None, true),
    ] {
        let spans = sent(ratio, || {
            let (span, trace) = spans::request(&request(given));
            // Whoever goes on decides the same.
            assert_eq!(trace.is_sampled(), is_sent);
            assert_eq!(context::of(&span), is_sent.then_some(trace));
            // What is within a trace that is not sent makes no spans to send.
            span.in_scope(|| {
                let statement = Statement { system: "sqlite", operation: "SELECT", table: "jobs" };
                assert_eq!(spans::database(statement).is_none(), !is_sent);
                assert_eq!(spans::tool_call("calculator", "c-1").is_none(), !is_sent);
            });
            if let Some(given) = given {
                assert_eq!(trace.trace_id(), given.trace_id());
                assert_ne!(trace.span_number(), given.span_number());
            }
        });
        assert_eq!(!spans.is_empty(), is_sent);
    }
}

#[test]
fn what_asks_how_the_process_is_and_what_nobody_asked_for_is_in_no_trace() {
    let spans = sent(Sampler::AlwaysOn, || {
        drop(spans::request(&Request { is_of_client: false, ..request(None) }));
        drop(spans::database(Statement { system: "sqlite", operation: "SELECT", table: "jobs" }));
        tracing::info_span!("a library's own").in_scope(|| tracing::info!("hello"));
        let (unsampled, now) = (TraceContext::of_span(1, 1, 0).unwrap(), Timestamp::from_millis(0));
        spans::queue_wait(JobId::new(), &unsampled, now, now);
    });
    assert_eq!(spans.keys().collect::<Vec<_>>(), Vec::<&String>::new());
}
