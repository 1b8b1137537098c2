//! W3C trace context, between spans of this process and what comes from and goes to others.

use contracts::TraceContext;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The context of a span, to be sent along. `None` where traces are not sent anywhere: whoever
/// goes on then keeps the context that came in.
#[must_use]
pub fn of(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
    let span_id = u64::from_be_bytes(span.span_id().to_bytes());
    TraceContext::of_span(trace_id, span_id, span.trace_flags().to_u8())
}

/// Makes a span the child of one elsewhere. To be called before anything happens in the span: once
/// its own context was asked for, it stays where it is.
pub(crate) fn set_parent(span: &Span, parent: &TraceContext) {
    // There may be nobody who traces; a new span is never too late.
    let _ = span.set_parent(remote_parent(parent));
}

/// What makes a span elsewhere the parent.
pub(crate) fn remote_parent(parent: &TraceContext) -> Context {
    Context::new().with_remote_span_context(remote(parent))
}

/// Says that a span goes back to another one, which is not its parent.
pub(crate) fn link(span: &Span, to: &TraceContext) {
    span.add_link(remote(to));
}

fn remote(context: &TraceContext) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(context.trace_number().to_be_bytes()),
        SpanId::from_bytes(context.span_number().to_be_bytes()),
        TraceFlags::new(context.flags()),
        true,
        TraceState::default(),
    )
}
