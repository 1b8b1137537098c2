//! The ids that every line of the log about something carries.

use tracing::Span;
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

/// What a line of the log is about. A span has those of the spans around it, too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) request_id: Option<String>,
    pub(crate) job_id: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) step: Option<&'static str>,
    pub(crate) trace_id: Option<String>,
}

impl Ids {
    /// Marks a span with these.
    pub(crate) fn mark(self, span: &Span) {
        span.with_subscriber(|(id, dispatch)| {
            let registry = dispatch.downcast_ref::<Registry>();
            if let Some(span) = registry.and_then(|registry| registry.span(id)) {
                span.extensions_mut().insert(self);
            }
        });
    }

    /// Those of a span and of the spans around it; the innermost of each counts.
    pub(crate) fn of<'a, R: LookupSpan<'a>>(span: Option<SpanRef<'a, R>>) -> Self {
        let mut ids = Self::default();
        for span in span.iter().flat_map(SpanRef::scope) {
            if let Some(of_span) = span.extensions().get::<Self>() {
                ids.fill(of_span);
            }
        }
        ids
    }

    /// Takes what it lacks from the ids of a span around it.
    fn fill(&mut self, outer: &Self) {
        let Self { request_id, job_id, attempt, step, trace_id } = outer;
        self.request_id = self.request_id.take().or_else(|| request_id.clone());
        self.job_id = self.job_id.take().or_else(|| job_id.clone());
        self.attempt = self.attempt.or(*attempt);
        self.step = self.step.or(*step);
        self.trace_id = self.trace_id.take().or_else(|| trace_id.clone());
    }
}
