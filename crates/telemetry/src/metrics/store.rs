//! The store: writes, commits, and connections to its database.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{BATCH, Named, SHORT_S, counter, gauge, histogram, key, many};
use super::observed::{Observation, Sources};

const OPERATION: &str = "db.operation.name";
const POOL: &str = "db.client.connection.pool.name";

struct Metrics {
    fenced_writes: Counter<u64>,
    repeated_writes: Counter<u64>,
    batch_size: Histogram<f64>,
    commit_duration: Histogram<f64>,
    connection_wait: Histogram<f64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    fenced_writes: counter(Named {
        name: "assay.store.fenced_writes",
        unit: "{write}",
        says: "Writes that were refused because the job is another's by now.",
    }),
    repeated_writes: counter(Named {
        name: "assay.store.repeated_writes",
        unit: "{write}",
        says: "Writes whose reply was lost and that were found done.",
    }),
    batch_size: histogram(
        Named {
            name: "assay.store.group_commit.batch_size",
            unit: "{write}",
            says: "Requests that shared a commit.",
        },
        BATCH,
    ),
    commit_duration: histogram(
        Named { name: "db.client.operation.duration", unit: "s", says: "One commit of a batch." },
        SHORT_S,
    ),
    connection_wait: histogram(
        Named {
            name: "db.client.connection.wait_time",
            unit: "s",
            says: "How long a request waited for a connection.",
        },
        SHORT_S,
    ),
});

/// What the requests of a batch have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Jobs are accepted.
    Submit,
    /// Jobs are claimed.
    Claim,
    /// Workers write, and clients cancel.
    Write,
    /// Jobs are moved that nobody else moves.
    Sweep,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Claim => "claim",
            Self::Write => "write",
            Self::Sweep => "sweep",
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is done.
    Committed,
    /// Nothing of it is written.
    RolledBack,
    /// Nobody knows: its reply was lost.
    Unknown,
}

/// Connections that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolName {
    /// What is read, and all that is not of a job.
    Reads,
    /// Batches.
    Commits,
}

impl PoolName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Commits => "commits",
        }
    }
}

/// The connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Nobody uses these.
    pub idle: usize,
    /// Somebody uses these.
    pub used: usize,
    /// As many as there may be.
    pub max: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

static POOLS: Sources<(PoolName, Pool)> = Sources::none();

/// A write was refused because the job is another's by now.
pub fn write_fenced() {
    METRICS.fenced_writes.add(1, &[]);
}

/// A write was sent again and found done.
pub fn write_repeated() {
    METRICS.repeated_writes.add(1, &[]);
}

/// A commit of so many requests came to its end.
pub fn committed(operation: Operation, outcome: CommitOutcome, requests: usize, after: Duration) {
    let (named, system) = (key(OPERATION, operation.as_str()), key("db.system.name", "postgresql"));
    let error = match outcome {
        CommitOutcome::Committed => {
            METRICS.batch_size.record(many(requests), std::slice::from_ref(&named));
            return METRICS.commit_duration.record(after.as_secs_f64(), &[named, system]);
        }
        CommitOutcome::RolledBack => "rolled_back",
        CommitOutcome::Unknown => "unknown",
    };
    METRICS.commit_duration.record(after.as_secs_f64(), &[named, system, key("error.type", error)]);
}

/// A request waited so long for a connection, and may have got none.
pub fn waited_for_connection(pool: PoolName, wait: Duration) {
    METRICS.connection_wait.record(wait.as_secs_f64(), &[key(POOL, pool.as_str())]);
}

/// Shows the connections of a pool.
pub fn observe_pool(
    name: PoolName,
    read: impl Fn() -> Pool + Send + Sync + 'static,
) -> Observation {
    POOLS.add(move || (name, read()))
}

pub(super) fn register() {
    METRICS.fenced_writes.add(0, &[]);
    METRICS.repeated_writes.add(0, &[]);
    let count = Named {
        name: "db.client.connection.count",
        unit: "{connection}",
        says: "Connections of a pool, by state.",
    };
    gauge(count, |gauge| {
        for (name, pool) in POOLS.read() {
            for (state, connections) in [("idle", pool.idle), ("used", pool.used)] {
                let state = key("db.client.connection.state", state);
                gauge.is(many(connections), &[key(POOL, name.as_str()), state]);
            }
        }
    });
    let max = Named {
        name: "db.client.connection.max",
        unit: "{connection}",
        says: "Connections that a pool may have.",
    };
    gauge(max, |gauge| {
        for (name, pool) in POOLS.read() {
            gauge.is(many(pool.max), &[key(POOL, name.as_str())]);
        }
    });
    let pending = Named {
        name: "db.client.connection.pending_requests",
        unit: "{request}",
        says: "Requests that wait for a connection.",
    };
    gauge(pending, |gauge| {
        for (name, pool) in POOLS.read() {
            gauge.is(many(pool.waiting), &[key(POOL, name.as_str())]);
        }
    });
}
