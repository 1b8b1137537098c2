use contracts::TraceContext;
use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, UNTRACED};
use crate::context;
use crate::ids::Ids;

/// A request that came in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The context that it came with.
    pub trace: Option<&'a TraceContext>,
}

/// The methods that have a name; every other is `_OTHER`.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// What is asked every few seconds by whoever watches the process.
const UNTRACED_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// A request and its answer, to where the handler is done: a stream that follows is not in it. Also
/// its context: that of the span, else the one that it came with, else a new one.
#[must_use]
pub fn request(request: &Request<'_>) -> (Span, TraceContext) {
    let is_watching = UNTRACED_PATHS.contains(&request.path);
    let mut span = if is_watching { Span::none() } else { traced(request) };
    let trace = context::of(&span).or(request.trace.copied()).unwrap_or_else(TraceContext::root);
    if is_watching || !trace.is_sampled() {
        span = tracing::info_span!(target: UNTRACED, "HTTP");
    }
    let request_id = Some(request.id.to_owned());
    Ids { request_id, trace_id: Some(trace.trace_id()), ..Ids::default() }.mark(&span);
    (span, trace)
}

fn traced(request: &Request<'_>) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "HTTP",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = named(request.method).unwrap_or("_OTHER"),
        http.route = Empty,
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

/// Says how a request was answered. `route` is the pattern that it matched, if it matched one.
pub fn answered(span: &Span, method: &str, route: Option<&str>, status: u16) {
    if !span.has_field("http.route") {
        return;
    }
    span.record("http.response.status_code", status);
    if let Some(route) = route {
        span.record("http.route", route);
        context::rename(span, format!("{} {route}", named(method).unwrap_or("HTTP")));
    }
    // A client's mistake is no failure of the server.
    if status >= 500 {
        super::failed(span, &status.to_string());
    }
}

/// A method that has a name, else `None`.
fn named(method: &str) -> Option<&str> {
    METHODS.contains(&method).then_some(method)
}
