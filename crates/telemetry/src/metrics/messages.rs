//! Messages to and from the broker, and whether it is there.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{Named, SHORT_S, counter, gauge, histogram, key};
use super::observed::{Observation, Sources};

struct Metrics {
    duration: Histogram<f64>,
    sent: Counter<u64>,
    consumed: Counter<u64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    duration: histogram(
        Named {
            name: "messaging.client.operation.duration",
            unit: "s",
            says: "From sending a hint to its confirm.",
        },
        SHORT_S,
    ),
    sent: counter(Named {
        name: "messaging.client.sent.messages",
        unit: "{message}",
        says: "Hints and news sent, or not: see error_type.",
    }),
    consumed: counter(Named {
        name: "messaging.client.consumed.messages",
        unit: "{message}",
        says: "Hints and news received.",
    }),
});

/// What goes through the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The queue of hints.
    Hints,
    /// The exchange of news.
    Progress,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// There is no connection.
    NoConnection,
    /// The connection was lost before the confirm.
    Lost,
    /// The broker did not confirm in time.
    Unconfirmed,
    /// There was no queue for it.
    Returned,
    /// The queue holds as much as it may.
    Full,
    /// The broker failed.
    Broker,
    /// There was no room for it here: the connection is too slow.
    Dropped,
}

impl Unsent {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::Lost => "lost",
            Self::Unconfirmed => "unconfirmed",
            Self::Returned => "returned",
            Self::Full => "full",
            Self::Broker => "broker",
            Self::Dropped => "dropped",
        }
    }
}

/// A connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Hints go out on it.
    Hints,
    /// Hints come in on it.
    Deliveries,
    /// News go out and come in on it.
    News,
}

static CONNECTIONS: Sources<(Connection, bool)> = Sources::none();

/// The broker confirmed a hint after so long, or did not take it.
pub fn confirmed(result: Result<(), Unsent>, after: Duration) {
    let [destination, name, system] = publishing(Destination::Hints);
    let operation = key("messaging.operation.type", "send");
    let after_s = after.as_secs_f64();
    match result {
        Ok(()) => METRICS.duration.record(after_s, &[destination, name, operation, system]),
        Err(unsent) => {
            let error = key("error.type", unsent.as_str());
            METRICS.duration.record(after_s, &[error, destination, name, operation, system]);
        }
    }
    sent(Destination::Hints, result, 1);
}

/// So many hints or news were sent, or not.
pub fn sent(to: Destination, result: Result<(), Unsent>, count: usize) {
    let ([destination, name, system], count) = (publishing(to), count as u64);
    match result {
        Ok(()) => METRICS.sent.add(count, &[destination, name, system]),
        Err(unsent) => {
            let error = key("error.type", unsent.as_str());
            METRICS.sent.add(count, &[error, destination, name, system]);
        }
    }
}

/// So many hints or news came in.
pub fn consumed(from: Destination, count: usize) {
    METRICS.consumed.add(count as u64, &consuming(from));
}

/// Shows whether a connection is of use.
pub fn observe_connection(
    connection: Connection,
    is_up: impl Fn() -> bool + Send + Sync + 'static,
) -> Observation {
    // Whoever waits for the first connection, or loses one, sees it from here on, at 0.
    begin();
    CONNECTIONS.add(move || (connection, is_up()))
}

/// Begins the counters of a process that has a broker at 0.
fn begin() {
    for destination in [Destination::Hints, Destination::Progress] {
        METRICS.sent.add(0, &publishing(destination));
        METRICS.consumed.add(0, &consuming(destination));
    }
}

fn publishing(to: Destination) -> [KeyValue; 3] {
    attributes(to, "publish")
}

fn consuming(from: Destination) -> [KeyValue; 3] {
    attributes(from, "consume")
}

fn attributes(destination: Destination, operation: &'static str) -> [KeyValue; 3] {
    let destination = match destination {
        Destination::Hints => "assay.hints",
        Destination::Progress => "assay.progress",
    };
    [
        key("messaging.destination.name", destination),
        key("messaging.operation.name", operation),
        key("messaging.system", "rabbitmq"),
    ]
}

pub(super) fn register() {
    LazyLock::force(&METRICS);
    let connected = Named {
        name: "assay.broker.connected",
        unit: "{connection}",
        says: "1 while a connection to the broker is of use.",
    };
    gauge(connected, |gauge| {
        for (connection, is_up) in CONNECTIONS.read() {
            let word = match connection {
                Connection::Hints => "hints",
                Connection::Deliveries => "deliveries",
                Connection::News => "news",
            };
            gauge.is(if is_up { 1.0 } else { 0.0 }, &[key("connection", word)]);
        }
    });
}
