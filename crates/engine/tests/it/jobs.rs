//! Jobs to ask things of.

use contracts::event::{
    EventBody, JobCreated, LogEntry, StepCompleted, StepKind, StepMark, StepSkipped,
};
use contracts::job::Attempt;
use contracts::result::{Completeness, Confidence};
use contracts::{
    AnalysisResult, Code, JobId, Origin, Problem, TenantId, Timestamp, TraceContext, WorkerId,
};
use engine::job::{Identity, Job, Recorded};
use engine::ports::JobRecord;
use uuid::Uuid;

/// When every job here is created.
pub(crate) const CREATED_AT: Timestamp = Timestamp::from_millis(1_760_000_000_000);

/// So many seconds into a job's life.
pub(crate) fn second(s: i64) -> Timestamp {
    Timestamp::from_millis(CREATED_AT.as_millis() + s * 1_000)
}

pub(crate) fn worker(n: u128) -> WorkerId {
    WorkerId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn identity() -> Identity {
    let trace: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().expect("a traceparent");
    Identity { id: JobId::from_uuid(Uuid::from_u128(1)), tenant: TenantId::default_tenant(), trace }
}

/// What may differ between jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) max_attempts: u32,
    pub(crate) timeout_s: i64,
    pub(crate) queue_timeout_s: Option<i64>,
}

pub(crate) fn create(terms: Terms) -> (Job, Recorded) {
    let data = JobCreated {
        company_name: "Acme".to_owned(),
        question: "How much?".to_owned(),
        max_attempts: terms.max_attempts,
        priority: 5,
        deadline_at: second(terms.timeout_s),
        queue_deadline_at: terms.queue_timeout_s.map(second),
        retry_of: None,
    };
    Job::create(identity(), data, CREATED_AT)
}

pub(crate) fn failure() -> Problem {
    Problem::new(Code::ModelUnavailable, Origin::Model, "the model does not answer")
        .in_step("synthesize")
}

pub(crate) fn answer(summary: &str) -> Box<AnalysisResult> {
    Box::new(AnalysisResult {
        summary: summary.to_owned(),
        citations: Vec::new(),
        sources: Vec::new(),
        confidence: Confidence {
            value: 0.5,
            method: "none".to_owned(),
            basis: "a test".to_owned(),
        },
        completeness: Completeness::Complete,
        gaps: Vec::new(),
        model: "extractive".to_owned(),
    })
}

pub(crate) fn step_started() -> EventBody {
    EventBody::StepStarted(StepMark { step: "plan".to_owned(), kind: StepKind::Model })
}

pub(crate) fn step_completed() -> EventBody {
    EventBody::StepCompleted(StepCompleted {
        step: "plan".to_owned(),
        kind: StepKind::Model,
        duration_ms: 3,
        taken_over_from: None,
    })
}

pub(crate) fn step_skipped() -> EventBody {
    EventBody::StepSkipped(StepSkipped {
        step: "tools".to_owned(),
        kind: StepKind::Tool,
        reason: "there are none".to_owned(),
    })
}

/// What a store would keep of a job in its first attempt that has begun no step.
pub(crate) fn record(job: Job, log: impl IntoIterator<Item = Recorded>) -> JobRecord {
    let entries = log.into_iter().map(|event| LogEntry {
        version: event.version,
        time: event.time,
        attempt: event.attempt,
        kind: event.body.kind().to_owned(),
        data: event.body.data(),
    });
    let attempt = Attempt {
        attempt: 1,
        started_at: second(1),
        finished_at: None,
        outcome: None,
        error: None,
        requeue_reason: None,
        usage: None,
    };
    JobRecord {
        job,
        has_request: true,
        log: entries.collect(),
        attempts: vec![attempt],
        steps: Vec::new(),
        checkpoints: Vec::new(),
        result: None,
        error: None,
        key_owners: Vec::new(),
        has_tombstone: false,
        holder_heard_at: None,
    }
}
