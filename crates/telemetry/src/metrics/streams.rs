//! Streams of jobs' logs.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{Named, REQUEST_S, counter, gauge, histogram, key, many};

struct Metrics {
    lag: Histogram<f64>,
    losses_repaired: Counter<u64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    lag: histogram(
        Named {
            name: "assay.streams.lag",
            unit: "s",
            says: "From the commit of an event to its sending to a reader that is up to date.",
        },
        REQUEST_S,
    ),
    losses_repaired: counter(Named {
        name: "assay.bus.losses_repaired",
        unit: "{event}",
        says: "Events that the bus had not brought, and the log had.",
    }),
});

/// How a log is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Server-sent events.
    Sse,
    /// A WebSocket of one job.
    WebSocket,
    /// A WebSocket of many jobs: each that is subscribed to counts.
    SharedWebSocket,
}

/// Followers by kind. A process has few kinds and one count of each, whoever follows.
static FOLLOWERS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
const KINDS: [(Kind, &str); 3] = [
    (Kind::Sse, "sse"),
    (Kind::WebSocket, "websocket"),
    (Kind::SharedWebSocket, "shared_websocket"),
];

/// A follower, counted until this is dropped.
#[derive(Debug)]
#[must_use = "it counts only while this is held"]
pub struct Subscriber {
    kind: Kind,
}

impl Subscriber {
    /// Counts one more.
    pub fn new(kind: Kind) -> Self {
        FOLLOWERS[kind as usize].fetch_add(1, Ordering::Relaxed);
        Self { kind }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        FOLLOWERS[self.kind as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

/// An event was sent so long after its commit to a reader that is up to date.
pub fn sent(lag: Duration) {
    METRICS.lag.record(lag.as_secs_f64(), &[]);
}

/// So many events were read from the log because the bus had not brought them.
pub fn losses_repaired(events: usize) {
    METRICS.losses_repaired.add(events as u64, &[]);
}

pub(super) fn register() {
    METRICS.losses_repaired.add(0, &[]);
    let followers = Named {
        name: "assay.streams.subscribers",
        unit: "{subscriber}",
        says: "Followers of jobs' logs, by kind.",
    };
    gauge(followers, |gauge| {
        for (kind, word) in KINDS {
            let count = FOLLOWERS[kind as usize].load(Ordering::Relaxed);
            gauge.is(many(count), &[key("kind", word)]);
        }
    });
}
