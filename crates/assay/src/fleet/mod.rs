//! The fleet mode: gateways and workers in processes of their own, over PostgreSQL and RabbitMQ.
//!
//! It is there under the cargo feature `fleet` alone: what it needs takes as long to compile as
//! much of the rest, and a first try on a laptop needs none of it.

#[cfg(not(feature = "fleet"))]
mod absent;
#[cfg(feature = "fleet")]
mod connected;

use engine::schema::Schema;

#[cfg(not(feature = "fleet"))]
pub use absent::Fleet;
#[cfg(not(feature = "fleet"))]
pub(crate) use absent::{examine_broker, examine_database, migrate, records, schema};
#[cfg(feature = "fleet")]
pub use connected::Fleet;
#[cfg(feature = "fleet")]
pub(crate) use connected::{examine_broker, examine_database, migrate, records, schema};

/// What a fleet's database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseSeen {
    pub(crate) server_version: String,
    pub(crate) schema: Schema,
    /// Settings that let it lose what it has committed.
    pub(crate) unsafe_settings: Vec<&'static str>,
    pub(crate) connections: u32,
    pub(crate) connections_max: u32,
    /// Between its clock and this machine's.
    pub(crate) skew_ms: u64,
}

/// What a fleet's broker says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokerSeen {
    /// `None` if no process has made it yet.
    pub(crate) hints: Option<HintsSeen>,
    /// Whether it takes nothing, for want of memory or disk.
    pub(crate) is_blocked: bool,
}

/// The queue of hints, as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HintsSeen {
    pub(crate) messages: u32,
    pub(crate) consumers: u32,
    pub(crate) is_quorum: bool,
}
