//! Documents that are read.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::Histogram;

use super::instruments::{Named, WORK_S, histogram, key};

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    let named = Named {
        name: "assay.document.reading.duration",
        unit: "s",
        says: "How long reading one document took.",
    };
    histogram(named, WORK_S)
});

/// How the reading of a document ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It can be searched.
    Ready,
    /// It cannot be read.
    Failed,
    /// It is read again: it was not to blame, or there was no time.
    GivenBack,
}

/// A document's reading ended after so long.
pub fn read(reading: Reading, after: Duration) {
    let outcome = match reading {
        Reading::Ready => "ready",
        Reading::Failed => "failed",
        Reading::GivenBack => "given_back",
    };
    DURATION.record(after.as_secs_f64(), &[key("outcome", outcome)]);
}

pub(super) fn register() {
    LazyLock::force(&DURATION);
}
