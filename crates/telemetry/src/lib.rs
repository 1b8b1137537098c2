//! What a process says about itself: one log, on stderr.
//!
//! Stdout belongs to answers, so nothing here writes to it. On a terminal a person reads the log,
//! so it is text; anywhere else a program does, so each line is one JSON object. Nothing here
//! reads the environment: the caller passes in what its configuration says.
#![warn(missing_docs)]

pub mod metrics;

mod panics;

use std::io::{IsTerminal as _, stderr};

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// The filter of a command that answers and exits: its user wants the answer, and sees in the
/// progress what is tried again.
pub const ONE_SHOT_FILTER: &str = "error";
/// The filter of a server: what it does, without how its web server and its migrations do it.
pub const SERVER_FILTER: &str = "info,actix_server=warn,refinery_core=warn";

/// What to log, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which events are logged, as `tracing_subscriber::EnvFilter` reads it: `info`, or
    /// `warn,engine=debug`.
    pub filter: String,
    /// How an event is written.
    pub format: Format,
}

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
    /// This process has a log already.
    #[error("the log is already set up")]
    AlreadySetUp(#[source] TryInitError),
}

/// The process's telemetry, for as long as it is held: keep it until `main` returns.
///
/// Events are written before the call that logs them returns, so nothing is lost at an exit. When
/// this is dropped, panics are reported by the standard library again.
#[derive(Debug)]
#[must_use = "panics are logged only while this is held"]
pub struct Telemetry {
    _panics: panics::LoggedPanics,
}

/// Sets up the process's log, and logs every panic once, as an error event.
///
/// # Errors
/// [`TelemetryError`]; nothing is changed then.
pub fn init(options: &Options) -> Result<Telemetry, TelemetryError> {
    let subscriber = subscriber(options, stderr)?;
    subscriber.try_init().map_err(TelemetryError::AlreadySetUp)?;
    Ok(Telemetry { _panics: panics::LoggedPanics::install() })
}

fn subscriber<W>(
    options: &Options,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(&options.filter)
        .map_err(|source| TelemetryError::Filter { filter: options.filter.clone(), source })?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let as_json = match options.format {
        Format::Auto => !stderr().is_terminal(),
        Format::Text => false,
        Format::Json => true,
    };
    Ok(if as_json {
        Box::new(registry.with(layer.json().flatten_event(true)))
    } else {
        Box::new(registry.with(layer))
    })
}

#[cfg(test)]
mod tests;
