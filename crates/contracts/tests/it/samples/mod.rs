//! One value of everything that is sent or received, with as much set in it as may be.

mod events;
mod jobs;
mod results;

use contracts::document::DocumentState;
use contracts::event::{EventPage, RequeueReason, StepKind};
use contracts::job::{AttemptOutcome, JobState, StepState};
use contracts::limits::Limits;
use contracts::problem::Origin;
use contracts::request::{Budget, OnStepFailure, Webhook};
use contracts::result::Completeness;
use contracts::stream::{ClosingReason, StreamMode};
use contracts::{
    CancelRequest, ClientFrame, Code, Document, DocumentId, FieldError, Hint, JobId, News, Problem,
    RequestError, StreamControl, Submission, TenantId, Ticket, TicketJob, TicketRequest, Timestamp,
    TraceContext, WorkerId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use events::{bodies, enveloped};
pub(crate) use results::source;

/// A value on the wire, with the way back.
pub(crate) struct Sample {
    /// The name of its snapshot and of its fixture.
    pub(crate) name: String,
    /// What is sent.
    pub(crate) json: Value,
    /// Reads such a value and writes it again.
    pub(crate) reread: fn(Value) -> Result<Value, String>,
    /// What its reader does with a field that it does not know.
    pub(crate) unknown_fields: UnknownFields,
}

/// What a reader does with fields that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// It is older than the writer, and goes on.
    Ignored,
    /// The client misspelt something, and is told.
    Refused,
}

impl Sample {
    pub(super) fn of<T: Serialize + DeserializeOwned>(name: impl Into<String>, value: &T) -> Self {
        Self {
            name: name.into(),
            json: json(value),
            reread: reread::<T>,
            unknown_fields: UnknownFields::Ignored,
        }
    }

    fn from_client<T: Serialize>(
        name: &str,
        value: &T,
        reread: fn(Value) -> Result<Value, String>,
    ) -> Self {
        let unknown_fields = UnknownFields::Refused;
        Self { name: name.to_owned(), json: json(value), reread, unknown_fields }
    }
}

/// Every sample, each with a name of its own.
pub(crate) fn all() -> Vec<Sample> {
    let mut samples = vec![
        Sample::of("document_failed", &document(DocumentState::Failed)),
        Sample::of("document_ready", &document(DocumentState::Ready)),
        Sample::of("event_page", &EventPage { events: events(), next_after: 2, head: 9 }),
        Sample::of("hint", &Hint::of(job_id())),
        Sample::of("job_page", &jobs::page()),
        Sample::of("limits", &Limits::IN_FORCE),
        Sample::of("news", &News { job_id: job_id(), events: events() }),
        Sample::of("partial_result", &results::partial()),
        Sample::of("problem", &problem()),
        Sample::of("problem_registry", &registry()),
        Sample::of("result", &results::complete()),
        Sample::of("simple_result", &results::simple()),
        Sample::of("stream_closing", &closing()),
        Sample::of("stream_error", &stream_error()),
        Sample::of("stream_ready", &ready()),
        Sample::of("ticket", &ticket()),
        Sample::of("tenant", &TenantId::default_tenant()),
    ];
    samples.extend(jobs::samples());
    samples.extend(events::samples());
    samples.extend(words());
    samples.extend(from_clients());
    samples
}

/// The words of every closed set, in the order of their declaration.
fn words() -> Vec<Sample> {
    use ClosingReason::{Overloaded, Restart, StoreUnavailable, TooSlow};
    let origins = [
        Origin::Client,
        Origin::Gateway,
        Origin::Queue,
        Origin::Worker,
        Origin::Tool,
        Origin::Model,
        Origin::Source,
    ];
    let outcomes = [
        AttemptOutcome::Succeeded,
        AttemptOutcome::Failed,
        AttemptOutcome::Requeued,
        AttemptOutcome::Ended,
    ];
    let steps = [StepState::Running, StepState::Completed, StepState::Failed, StepState::Skipped];
    let documents = [DocumentState::Pending, DocumentState::Ready, DocumentState::Failed];
    vec![
        Sample::of("words_attempt_outcome", &outcomes.to_vec()),
        Sample::of("words_closing_reason", &[Restart, Overloaded, TooSlow, StoreUnavailable]),
        Sample::of("words_completeness", &[Completeness::Complete, Completeness::Partial]),
        Sample::of("words_document_state", &documents),
        Sample::of("words_job_state", &JobState::ALL),
        Sample::of("words_on_step_failure", &[OnStepFailure::Fail, OnStepFailure::Partial]),
        Sample::of("words_origin", &origins),
        Sample::of(
            "words_requeue_reason",
            &[RequeueReason::Drain, RequeueReason::LeaseLost, RequeueReason::CircuitOpen],
        ),
        Sample::of("words_step_kind", &[StepKind::Retrieval, StepKind::Tool, StepKind::Model]),
        Sample::of("words_step_state", &steps),
        Sample::of("words_stream_mode", &[StreamMode::Full, StreamMode::Resume]),
    ]
}

fn from_clients() -> Vec<Sample> {
    let cancel = CancelRequest { reason: Some("asked twice".to_owned()) };
    let subscribe = ClientFrame::Subscribe { job_id: job_id(), after: 17 };
    let ticket_request = TicketRequest { jobs: vec![job_id()] };
    let unsubscribe = ClientFrame::Unsubscribe { job_id: job_id() };
    vec![
        Sample::from_client("cancel_request", &cancel, |value| {
            CancelRequest::parse(value.to_string().as_bytes()).map(|v| json(&v)).map_err(breaches)
        }),
        Sample::from_client("client_frame_subscribe", &subscribe, reread::<ClientFrame>),
        Sample::from_client("client_frame_unsubscribe", &unsubscribe, reread::<ClientFrame>),
        Sample::from_client("submission", &submission(), |value| {
            Submission::from_value(value).map(|v| json(&v)).map_err(breaches)
        }),
        Sample::from_client("ticket_request", &ticket_request, |value| {
            TicketRequest::parse(value.to_string().as_bytes()).map(|v| json(&v)).map_err(breaches)
        }),
    ]
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("a wire type is JSON")
}

fn reread<T: Serialize + DeserializeOwned>(value: Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(json(&read))
}

fn breaches(error: RequestError) -> String {
    match error {
        RequestError::Malformed(detail) => detail,
        RequestError::Invalid(errors) => {
            let pointers: Vec<String> =
                errors.into_iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
            pointers.join(", ")
        }
    }
}

fn submission() -> Submission {
    Submission {
        company_name: "3M".to_owned(),
        question: "What was the net income in 2018?".to_owned(),
        timeout_s: Some(120),
        queue_timeout_s: Some(30),
        max_attempts: Some(3),
        priority: Some(9),
        on_step_failure: Some(OnStepFailure::Fail),
        labels: [("team".to_owned(), "research".to_owned())].into(),
        webhook: Some(Webhook {
            url: "https://example.com/hooks".to_owned(),
            events: Some(vec!["job.succeeded".to_owned()]),
        }),
        model: Some("extractive".to_owned()),
        budget: Some(Budget {
            max_tokens: Some(100_000),
            max_cost_usd: Some(0.5),
            max_calls: Some(10),
        }),
        document_ids: Some(vec![document_id()]),
    }
}

fn document(state: DocumentState) -> Document {
    let failed = state == DocumentState::Failed;
    Document {
        id: document_id(),
        state,
        company: "3M".to_owned(),
        title: "Annual report 2018".to_owned(),
        url: (!failed).then(|| "https://example.com/2018.txt".to_owned()),
        published_on: (!failed).then(|| "2019-02-07".to_owned()),
        content_sha256: sha256(),
        bytes: 1_024,
        pages: (!failed).then_some(160),
        created_at: at(0),
        error: failed.then(problem),
    }
}

fn registry() -> Vec<Problem> {
    let problem = |code: &Code| Problem::new(*code, Origin::Gateway, "what happened");
    Code::ALL.iter().map(problem).collect()
}

pub(super) fn problem() -> Problem {
    let cause = Problem::new(Code::ModelTimeout, Origin::Model, "no answer within 300 s");
    let mut problem = Problem::new(Code::AttemptsExhausted, Origin::Worker, "3 attempts failed")
        .in_trace(trace().trace_id())
        .in_step("synthesize")
        .caused_by(&cause);
    problem.status = Some(422);
    problem.retry_after_s = Some(5);
    problem.attempt = Some(3);
    let detail = "must not be empty".to_owned();
    problem.errors = vec![FieldError { pointer: "/question".to_owned(), detail }];
    problem
}

fn closing() -> StreamControl {
    let reason = ClosingReason::Restart;
    let job_id = Some(job_id());
    StreamControl::Closing { job_id, reason, resume_after: 17, retry_after_ms: 1_250 }
}

fn ticket() -> Ticket {
    let expires_at = Timestamp::from_millis(1_795_363_200_000);
    let jobs = vec![TicketJob { job_id: job_id(), expires_at }];
    Ticket { ticket: "AQdkZWZhdWx0".to_owned(), jobs }
}

fn stream_error() -> StreamControl {
    StreamControl::Error { job_id: Some(job_id()), problem: Box::new(problem()) }
}

fn ready() -> StreamControl {
    StreamControl::Ready { job_id: job_id(), mode: StreamMode::Resume, after: 17, head: 20 }
}

fn events() -> Vec<contracts::Event> {
    bodies().into_iter().take(2).zip(1..).map(|(body, version)| enveloped(&body, version)).collect()
}

pub(crate) fn job_id() -> JobId {
    JobId::from_uuid(Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0001))
}

pub(super) fn document_id() -> DocumentId {
    DocumentId::from_uuid(Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0002))
}

pub(super) fn worker_id() -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0003))
}

pub(crate) fn trace() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().expect("a traceparent")
}

pub(super) fn sha256() -> String {
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned()
}

/// So many seconds after the samples' beginning.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + second * 1_000)
}
