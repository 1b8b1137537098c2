//! What is measured: every instrument of the fleet, behind functions with words of the field.
//!
//! docs/metrics.md is the list, and a test holds the two together. Nobody else names an instrument
//! or an attribute, and no function takes a value for one that a client, a document or a provider
//! chose: the number of series is bounded by what is written here.
//!
//! Where nothing exports, measuring costs nothing. Where something does, it is told before the
//! first measurement: see `export`.

pub mod documents;
pub mod hints;
pub mod http;
pub mod jobs;
pub mod messages;
pub mod models;
pub mod process;
pub mod steps;
pub mod store;
pub mod streams;
pub mod workers;

#[cfg(feature = "export")]
pub mod export;
mod instruments;
mod observed;
mod outcome;
#[cfg(all(test, feature = "export"))]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;

pub use observed::Observation;
pub use outcome::Outcome;

/// All that this process measured up to now, in the text format of Prometheus. `None` if this
/// process was not set up to show it.
#[must_use]
pub fn exposition() -> Option<String> {
    #[cfg(feature = "export")]
    return export::text();
    #[cfg(not(feature = "export"))]
    None
}

/// The media type of [`exposition`].
pub const EXPOSITION_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Makes every instrument, and begins every counter at 0 for each value that is known beforehand:
/// once something exports, and before anything is measured.
pub fn register() {
    documents::register();
    hints::register();
    http::register();
    jobs::register();
    messages::register();
    models::register();
    process::register();
    steps::register();
    store::register();
    streams::register();
    workers::register();
}
