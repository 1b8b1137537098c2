//! The log: one line an event, with the ids of what it is about.

mod fields;
mod json;
mod text;

use std::io::{IsTerminal as _, stderr};

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, FilterFn};
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::spans;

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As text if stderr is a terminal, as JSON otherwise.
    #[default]
    Auto,
    /// One line of text, with colours unless `NO_COLOR` is set.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    fn is_json(self) -> bool {
        match self {
            Self::Auto => !stderr().is_terminal(),
            Self::Text => false,
            Self::Json => true,
        }
    }
}

/// Writes the events that pass the filter.
pub(crate) fn layer<S, W>(
    filter: EnvFilter,
    format: Format,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Whatever is logged, the spans are seen: they hold the ids.
    let spans = FilterFn::new(|metadata| metadata.is_span() && spans::is_ours(metadata.target()))
        .with_max_level_hint(spans::LEVEL);
    let layer = fmt::layer().fmt_fields(NoFields).with_writer(writer);
    if format.is_json() {
        layer.event_format(json::Json).with_filter(filter.or(spans)).boxed()
    } else {
        layer.event_format(text::Text).with_filter(filter.or(spans)).boxed()
    }
}

/// Keeps no text of the fields of spans: they are for traces, and the log has ids.
struct NoFields;

impl<'writer> FormatFields<'writer> for NoFields {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> std::fmt::Result {
        Ok(())
    }
}
