use contracts::{JobId, TraceContext};
use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, UNTRACED};
use crate::context;
use crate::ids::Ids;

/// The sending of a hint to RabbitMQ, to its confirm: a child of the job's own context. None where
/// the job's trace is not sampled.
#[must_use]
pub fn send_hint(queue: &str, message_id: &str, job_id: JobId, job: &TraceContext) -> Span {
    if !job.is_sampled() {
        return Span::none();
    }
    let span = tracing::info_span!(
        target: TARGET,
        "send",
        otel.kind = "producer",
        otel.name = format_args!("send {queue}"),
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.type = "send",
        messaging.operation.name = "publish",
        messaging.destination.name = queue,
        messaging.rabbitmq.destination.routing_key = queue,
        messaging.message.id = message_id,
        assay.job.id = %job_id,
    );
    context::set_parent(&span, job);
    span
}

/// What a worker does with a hint, until it is settled: in the trace of whoever sent it, and linked
/// to the sending.
#[must_use]
pub fn process_hint(queue: &str, job_id: JobId, sent: &TraceContext) -> Span {
    let span = if sent.is_sampled() {
        traced_process(queue, job_id, sent)
    } else {
        tracing::info_span!(target: UNTRACED, "process")
    };
    let (job_id, trace_id) = (Some(job_id.to_string()), Some(sent.trace_id()));
    Ids { job_id, trace_id, ..Ids::default() }.mark(&span);
    span
}

fn traced_process(queue: &str, job_id: JobId, sent: &TraceContext) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "process",
        otel.kind = "consumer",
        otel.name = format_args!("process {queue}"),
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "rabbitmq",
        messaging.operation.type = "process",
        messaging.operation.name = "consume",
        messaging.destination.name = queue,
        messaging.rabbitmq.destination.routing_key = queue,
        assay.job.id = %job_id,
    );
    context::set_parent(&span, sent);
    context::link(&span, sent);
    span
}
