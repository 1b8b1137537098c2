//! What a process says about itself: a log, traces and metrics.
//!
//! The log is on stderr: stdout belongs to answers. On a terminal a person reads it, so it is text;
//! anywhere else a program does, so each line is one JSON object. Each line about a job, an attempt,
//! a step or a request carries their ids and that of the trace.
//!
//! [`spans`] are what everybody here traces with; [`context`] takes a trace from one process to the
//! next. [`metrics`] are what everybody here measures with. Under the cargo feature `export` both are
//! sent to a collector, and metrics are shown to Prometheus.
//!
//! Nothing here reads the environment: the caller passes in what its configuration says. (The
//! library that sends honours further `OTEL_` variables: time-outs, compression, sizes of batches.)
#![warn(missing_docs)]

pub mod context;
#[cfg(feature = "export")]
mod export;
mod exporting;
mod ids;
mod logs;
mod methods;
pub mod metrics;
mod panics;
pub mod spans;

use std::io::stderr;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

#[cfg(feature = "export")]
pub use export::ExportError;
pub use exporting::{Exporting, Protocol, Server};
pub use logs::Format;

/// The filter of a command that answers and exits: its user wants the answer, and sees in the
/// progress what is tried again.
pub const ONE_SHOT_FILTER: &str = "error";
/// The filter of a server: what it does, without how its web server and its migrations do it.
pub const SERVER_FILTER: &str = "info,actix_server=warn,refinery_core=warn";

/// What to log, and how, and where to send traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which events are logged, as `tracing_subscriber::EnvFilter` reads it: `info`, or
    /// `warn,engine=debug`.
    pub filter: String,
    /// How an event is written.
    pub format: Format,
    /// What a server shows and sends; `None` in a command that answers and exits, and where telemetry
    /// is off. Compiled without the feature `export` it is nothing, and the log says so if something
    /// was to be sent.
    pub server: Option<Server>,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the log filter {filter:?} is invalid")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Traces cannot be sent so.
    #[cfg(feature = "export")]
    #[error("telemetry cannot be sent")]
    Export(#[from] ExportError),
    /// This process has a log already.
    #[error("the log is already set up")]
    AlreadySetUp(#[source] TryInitError),
}

/// The process's telemetry, for as long as it is held: keep it until `main` returns.
///
/// Events are written before the call that logs them returns, so none is lost at an exit. Spans
/// wait to be sent together: see [`Telemetry::finish`]. When this is dropped, panics are reported
/// by the standard library again.
#[derive(Debug)]
#[must_use = "panics are logged only while this is held"]
pub struct Telemetry {
    _panics: panics::LoggedPanics,
    #[cfg(feature = "export")]
    exporter: Option<export::Exporter>,
}

impl Telemetry {
    /// Sends what was not sent yet, for 5 seconds at the most. What ends later is lost.
    pub async fn finish(self) {
        #[cfg(feature = "export")]
        if let Some(exporter) = self.exporter {
            exporter.finish().await;
        }
    }
}

/// Sets up the process's log and traces, and logs every panic once, as an error event. Must be
/// called within a Tokio runtime if traces are sent anywhere.
///
/// # Errors
/// [`TelemetryError`]; nothing is changed then.
pub fn init(options: &Options) -> Result<Telemetry, TelemetryError> {
    let log = log(&options.filter, options.format, stderr)?;
    #[cfg(feature = "export")]
    let exporter = options.server.as_ref().map(export::Exporter::new).transpose()?;
    #[cfg(feature = "export")]
    let traces = exporter.as_ref().and_then(export::Exporter::layer);
    #[cfg(not(feature = "export"))]
    let traces = None::<tracing_subscriber::layer::Identity>;
    let subscriber = tracing_subscriber::registry().with(log).with(traces);
    subscriber.try_init().map_err(TelemetryError::AlreadySetUp)?;
    #[cfg(not(feature = "export"))]
    if options.server.as_ref().is_some_and(|server| server.exporting.is_some()) {
        tracing::warn!("no telemetry is sent: this program was built without the feature for it");
    }
    Ok(Telemetry {
        _panics: panics::LoggedPanics::install(),
        #[cfg(feature = "export")]
        exporter,
    })
}

fn log<W>(
    filter: &str,
    format: Format,
    writer: W,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let parsed = EnvFilter::builder().parse(filter);
    let unread = |source| TelemetryError::Filter { filter: filter.to_owned(), source };
    Ok(logs::layer(parsed.map_err(unread)?, format, writer))
}

#[cfg(test)]
mod tests;
