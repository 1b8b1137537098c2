use std::time::{Duration, SystemTime};

use contracts::{DocumentId, JobId, Timestamp, TraceContext, WorkerId};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _};
use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, UNTRACED, is_untraced, scope};
use crate::context;
use crate::ids::Ids;

/// An attempt at a job.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The job.
    pub job_id: JobId,
    /// Its number, from 1.
    pub number: u32,
    /// Who makes it.
    pub worker: WorkerId,
    /// The context that the job came with.
    pub trace: &'a TraceContext,
    /// What brought the job to the worker.
    pub brought_by: Option<&'a TraceContext>,
}

/// Records that a job waited for a worker since it was due, until it was claimed: by the store's
/// clock.
pub fn queue_wait(job_id: JobId, trace: &TraceContext, due: Timestamp, claimed: Timestamp) {
    if !trace.is_sampled() {
        return;
    }
    let tracer = opentelemetry::global::tracer_with_scope(scope());
    let span = tracer
        .span_builder("queue wait")
        .with_start_time(system_time(due))
        .with_attributes([KeyValue::new("assay.job.id", job_id.to_string())]);
    let mut span = span.start_with_context(&tracer, &context::remote_parent(trace));
    span.end_with_timestamp(system_time(claimed));
}

/// An attempt at a job, from its claim to its end.
#[must_use]
pub fn attempt(attempt: &Attempt<'_>) -> Span {
    let span = if attempt.trace.is_sampled() {
        traced_attempt(attempt)
    } else {
        tracing::info_span!(target: UNTRACED, "attempt")
    };
    let ids = Ids {
        job_id: Some(attempt.job_id.to_string()),
        attempt: Some(attempt.number),
        trace_id: Some(attempt.trace.trace_id()),
        ..Ids::default()
    };
    ids.mark(&span);
    span
}

fn traced_attempt(attempt: &Attempt<'_>) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "attempt",
        otel.status_code = Empty,
        error.type = Empty,
        assay.job.id = %attempt.job_id,
        assay.job.attempt = attempt.number,
        assay.worker.id = %attempt.worker,
        assay.attempt.outcome = Empty,
    );
    context::set_parent(&span, attempt.trace);
    if let Some(brought_by) = attempt.brought_by {
        context::link(&span, brought_by);
    }
    span
}

/// Says how an attempt ended.
pub fn ended(attempt: &Span, outcome: &'static str) {
    attempt.record("assay.attempt.outcome", outcome);
}

/// A step of the attempt around it.
#[must_use]
pub fn step(name: &'static str) -> Span {
    let span = if is_untraced() {
        tracing::info_span!(target: UNTRACED, "step")
    } else {
        tracing::info_span!(
            target: TARGET,
            "step",
            otel.name = format_args!("step {name}"),
            otel.status_code = Empty,
            error.type = Empty,
            assay.step.name = name,
        )
    };
    Ids { step: Some(name), ..Ids::default() }.mark(&span);
    span
}

/// The reading of a document.
#[must_use]
pub fn document(id: DocumentId, trace: &TraceContext) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "read document",
        otel.status_code = Empty,
        error.type = Empty,
        assay.document.id = %id,
    );
    context::set_parent(&span, trace);
    Ids { trace_id: Some(trace.trace_id()), ..Ids::default() }.mark(&span);
    span
}

fn system_time(time: Timestamp) -> SystemTime {
    let ms = u64::try_from(time.as_millis()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
}
