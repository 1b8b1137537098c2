//! Small values to test with: each valid, and as short as it can be.

use std::time::Duration;

use contracts::event::{StepCompleted, StepKind, StepMark};
use contracts::result::{Completeness, Confidence, Source};
use contracts::{
    AnalysisResult, Code, DocumentId, EventBody, JobId, Origin, Problem, SourceId, Submission,
    TenantId, Timestamp, TraceContext,
};
use engine::job::Identity;
use engine::ports::{
    IdempotencyKey, MediaType, NewDocument, NewJob, Passage, ReadDocument, StepRecord,
};

/// The time that a job of [`new_job`] has from its creation.
pub const TIMEOUT: Duration = Duration::from_secs(600);

/// The tenant with this name.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    name.parse().expect("a valid tenant's name")
}

/// A request with no more than it needs.
#[must_use]
pub fn submission() -> Submission {
    Submission {
        company_name: "3M".to_owned(),
        question: "What was the revenue in 2018?".to_owned(),
        ..Submission::default()
    }
}

/// A job to accept: no key, nothing taken over, never hinted at submission.
#[must_use]
pub fn new_job(tenant: &TenantId) -> NewJob {
    NewJob {
        identity: Identity {
            id: JobId::new(),
            tenant: tenant.clone(),
            trace: TraceContext::begin(1.0),
        },
        submission: submission(),
        idempotency: None,
        timeout: TIMEOUT,
        queue_timeout: None,
        retry_of: None,
        carried: Vec::new(),
        carried_events: Vec::new(),
        hint_window: 0,
    }
}

/// A key for a request; requests are told apart by `request`.
#[must_use]
pub fn key(key: &str, request: u8) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), fingerprint: [request; 32] }
}

/// The event that begins a step.
#[must_use]
pub fn step_started(step: &str) -> EventBody {
    EventBody::StepStarted(StepMark { step: step.to_owned(), kind: StepKind::Model })
}

/// The event that a step is done.
#[must_use]
pub fn step_completed(step: &str) -> EventBody {
    EventBody::StepCompleted(StepCompleted {
        step: step.to_owned(),
        kind: StepKind::Model,
        duration_ms: 7,
        taken_over_from: None,
    })
}

/// The checkpoint of a step.
#[must_use]
pub fn step_record(step: &str) -> StepRecord {
    StepRecord {
        step: step.to_owned(),
        input_sha256: [7; 32],
        pipeline_version: 1,
        corpus_generation: Some(3),
        output: format!("{{\"step\":\"{step}\"}}"),
    }
}

/// A failure.
#[must_use]
pub fn problem() -> Problem {
    Problem::new(Code::ModelUnavailable, Origin::Model, "no answer").in_step("synthesize")
}

/// A passage found. Its score is a fraction that is hard to write and read back.
#[must_use]
pub fn source() -> Source {
    Source {
        id: SourceId::ranked(1),
        document_id: DocumentId::new(),
        title: "Annual report".to_owned(),
        company: "3M".to_owned(),
        url: None,
        page: Some(4),
        excerpt: "Net sales were $32,765 million.".to_owned(),
        retrieved_at: Timestamp::from_millis(1_795_000_000_123),
        content_sha256: "ab".repeat(32),
        score: 0.1 + 0.2,
    }
}

/// An answer.
#[must_use]
pub fn result(summary: &str) -> AnalysisResult {
    AnalysisResult {
        summary: summary.to_owned(),
        citations: Vec::new(),
        sources: vec![source()],
        confidence: Confidence {
            value: 2.0 / 3.0,
            method: "test".to_owned(),
            basis: "a test".to_owned(),
        },
        completeness: Completeness::Complete,
        gaps: Vec::new(),
        model: "test".to_owned(),
    }
}

/// A document to accept; documents are told apart by `content`.
#[must_use]
pub fn document(company: &str, content: u8) -> NewDocument {
    NewDocument {
        id: DocumentId::new(),
        company: company.to_owned(),
        title: format!("Report {content}"),
        url: Some("https://example.com/report".to_owned()),
        published_on: Some("2019-02-07".to_owned()),
        media_type: MediaType::Text,
        content_sha256: format!("{content:02x}").repeat(32),
        bytes: vec![content; 1_000],
        trace: TraceContext::begin(1.0),
    }
}

/// What a document says.
#[must_use]
pub fn read_document(content: u8) -> ReadDocument {
    let passage = |page, heading: &str, table_head: &str, text: String| Passage {
        page: Some(page),
        heading: heading.to_owned(),
        table_head: table_head.to_owned(),
        text,
    };
    let passages = vec![
        passage(1, "", "", format!("First {content}")),
        passage(2, "Sales", "a   b", "| a | b |".to_owned()),
    ];
    ReadDocument { pages: Some(2), passages }
}
