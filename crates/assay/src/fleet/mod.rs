//! The fleet mode: gateways and workers in processes of their own, over PostgreSQL and RabbitMQ.
//!
//! It is there under the cargo feature `fleet` alone: what it needs takes as long to compile as
//! much of the rest, and a first try on a laptop needs none of it.

#[cfg(not(feature = "fleet"))]
mod absent;
#[cfg(feature = "fleet")]
mod connected;

#[cfg(not(feature = "fleet"))]
pub use absent::Fleet;
#[cfg(not(feature = "fleet"))]
pub(crate) use absent::{migrate, records, schema};
#[cfg(feature = "fleet")]
pub use connected::Fleet;
#[cfg(feature = "fleet")]
pub(crate) use connected::{migrate, records, schema};

/// The form of a fleet's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schema {
    /// The number of the newest migration that it took.
    pub(crate) found: u32,
    /// That of the newest that this release knows.
    pub(crate) known: u32,
}

impl Schema {
    /// Whether migrations are missing.
    pub(crate) const fn is_behind(self) -> bool {
        self.found < self.known
    }
}
