//! Hints, and the look at the store that sends them.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};

use super::Outcome;
use super::instruments::{Named, SHORT_S, counter, histogram, key};

struct Metrics {
    stale: Counter<u64>,
    refill_duration: Histogram<f64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    stale: counter(Named {
        name: "assay.hints.stale",
        unit: "{hint}",
        says: "Hints whose job was claimed, ended or not due when they arrived.",
    }),
    refill_duration: histogram(
        Named {
            name: "assay.hints.refill.duration",
            unit: "s",
            says: "One look at the store for jobs that need a hint.",
        },
        SHORT_S,
    ),
});

/// A hint claimed nothing.
pub fn stale() {
    METRICS.stale.add(1, &[]);
}

/// The store was asked for jobs that need a hint.
pub fn refilled(outcome: Outcome, after: Duration) {
    METRICS.refill_duration.record(after.as_secs_f64(), &[key("outcome", outcome.as_str())]);
}

pub(super) fn register() {
    METRICS.stale.add(0, &[]);
}
