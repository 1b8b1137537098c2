//! The spans of a trace: what they are called, and what they say.
//!
//! Names and attributes are those of the OpenTelemetry semantic conventions, version 1.41.0
//! (<https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0>), for HTTP, messaging,
//! databases and generative AI: the last version that has all four. What they have no name for
//! begins with `assay.`. No span holds a question, a passage, an answer, a prompt, a tool's arguments
//! or a key.
//!
//! A trace that is not sampled has no spans but those that give the lines of the log their ids.

mod database;
mod http;
mod job;
mod messaging;
mod model;
mod tool;

use opentelemetry::InstrumentationScope;
use tracing::Span;
use tracing::level_filters::LevelFilter;

pub use database::{Statement, database};
pub use http::{Request, answered, request};
pub use job::{Attempt, attempt, document, ended, queue_wait, step};
pub use messaging::{process_hint, send_hint};
pub use model::{Chat, chat, retrieval, spent};
pub use tool::tool_call;

/// The attributes of the conventions that spans have. Every other begins with `assay.`.
pub const CONVENTIONAL: &[&str] = &[
    "db.collection.name",
    "db.operation.name",
    "db.system.name",
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.max_tokens",
    "gen_ai.request.model",
    "gen_ai.tool.call.id",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.rabbitmq.destination.routing_key",
    "messaging.system",
    "server.address",
    "server.port",
    "url.path",
    "url.scheme",
];

/// The conventions that names and attributes are those of.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.0";

/// The target of every span: what goes into traces, and nothing else does.
pub(crate) const TARGET: &str = "assay.trace";
/// The target of what is around the lines of the log about something that is in no trace.
pub(crate) const UNTRACED: &str = "assay.untraced";
/// The level of every span.
pub(crate) const LEVEL: LevelFilter = LevelFilter::INFO;

/// Whether what happens now is in no trace that is sent: then no span is worth its cost.
fn is_untraced() -> bool {
    let current = Span::current();
    current.metadata().is_none_or(|metadata| metadata.target() == UNTRACED)
}

/// Who makes these spans.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("assay")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// Whether a span of this target is one of these.
pub(crate) fn is_ours(target: &str) -> bool {
    matches!(target, TARGET | UNTRACED)
}

/// Says that what a span is about failed, and how: a code, the class of an error, or a status.
pub fn failed(span: &Span, error_type: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error_type);
}
