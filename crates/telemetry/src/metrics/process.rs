//! The process itself.

use std::sync::LazyLock;

use opentelemetry::metrics::Counter;

use super::instruments::{Named, counter, gauge};
use super::observed::{Observation, Sources};

static PANICS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    counter(Named { name: "assay.process.panics", unit: "{panic}", says: "Panics." })
});

static DRAINING: Sources<bool> = Sources::none();

/// Something panicked.
pub fn panicked() {
    PANICS.add(1, &[]);
}

/// Shows whether this process is being stopped.
pub fn observe_draining(read: impl Fn() -> bool + Send + Sync + 'static) -> Observation {
    DRAINING.add(read)
}

pub(super) fn register() {
    PANICS.add(0, &[]);
    let draining = Named {
        name: "assay.process.draining",
        unit: "{process}",
        says: "1 from the signal to stop until the end.",
    };
    gauge(draining, |gauge| {
        let all = DRAINING.read();
        if !all.is_empty() {
            gauge.is(if all.contains(&true) { 1.0 } else { 0.0 }, &[]);
        }
    });
}
