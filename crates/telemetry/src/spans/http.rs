use contracts::TraceContext;
use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, UNTRACED};
use crate::ids::Ids;
use crate::{context, methods};

/// A request that came in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// The pattern that the path matches; `None` if there is nothing at its address.
    pub route: Option<&'a str>,
    /// Whether a client asks. Whoever watches the process does so every few seconds, and is in no
    /// trace.
    pub is_of_client: bool,
    /// Its id.
    pub id: &'a str,
    /// The context that it came with.
    pub trace: Option<&'a TraceContext>,
}

/// A request and its answer, to where the handler is done: a stream that follows is not in it. Also
/// its context: that of the span, else the one that it came with, else a new one.
#[must_use]
pub fn request(request: &Request<'_>) -> (Span, TraceContext) {
    let mut span = if request.is_of_client { traced(request) } else { Span::none() };
    let trace = context::of(&span)
        .or(request.trace.copied())
        // Where traces are not sent from, none begins that others should send their part of.
        .unwrap_or_else(|| TraceContext::begin(0.0));
    if !request.is_of_client || !trace.is_sampled() {
        span = tracing::info_span!(target: UNTRACED, "HTTP");
    }
    let request_id = Some(request.id.to_owned());
    Ids { request_id, trace_id: Some(trace.trace_id()), ..Ids::default() }.mark(&span);
    (span, trace)
}

fn traced(request: &Request<'_>) -> Span {
    let method = methods::known(request.method);
    let shown = method.unwrap_or("HTTP");
    let span = tracing::info_span!(
        target: TARGET,
        "HTTP",
        otel.kind = "server",
        otel.name = match request.route {
            Some(route) => format!("{shown} {route}"),
            None => shown.to_owned(),
        },
        otel.status_code = Empty,
        http.request.method = method.unwrap_or(methods::OTHER),
        http.route = request.route,
        http.response.status_code = Empty,
        url.path = request.path,
        url.scheme = "http",
        error.type = Empty,
        assay.request.id = request.id,
    );
    if let Some(parent) = request.trace {
        context::set_parent(&span, parent);
    }
    span
}

/// Says how a request was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    // A client's mistake is no failure of the server.
    if status >= 500 {
        super::failed(span, &status.to_string());
    }
}
