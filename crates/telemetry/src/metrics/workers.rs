//! What a worker has room for, and whether it is known to live.

use std::time::Duration;

use super::instruments::{Named, gauge, key, many};
use super::observed::{Observation, Sources};

/// The slots of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// A job could begin in these.
    pub free: usize,
    /// These have a job, or are kept for one that is being claimed.
    pub held: usize,
}

static SLOTS: Sources<Slots> = Sources::none();
static LEASE_AGES: Sources<Option<Duration>> = Sources::none();

/// Shows the slots of a worker.
pub fn observe_slots(read: impl Fn() -> Slots + Send + Sync + 'static) -> Observation {
    SLOTS.add(read)
}

/// Shows how long ago a worker's lease was renewed; `None` before the first time.
pub fn observe_lease(read: impl Fn() -> Option<Duration> + Send + Sync + 'static) -> Observation {
    LEASE_AGES.add(read)
}

pub(super) fn register() {
    let slots = Named { name: "assay.worker.slots", unit: "{slot}", says: "Slots, by state." };
    gauge(slots, |gauge| {
        let all = SLOTS.read();
        if all.is_empty() {
            return;
        }
        let (free, held): (Vec<_>, Vec<_>) =
            all.iter().map(|slots| (slots.free, slots.held)).unzip();
        gauge.is(many(free.iter().sum()), &[key("state", "free")]);
        gauge.is(many(held.iter().sum()), &[key("state", "held")]);
    });
    let age = Named {
        name: "assay.worker.lease.age",
        unit: "s",
        says: "Since the store last confirmed that the worker lives.",
    };
    gauge(age, |gauge| {
        if let Some(age) = LEASE_AGES.read().into_iter().flatten().max() {
            gauge.is(age.as_secs_f64(), &[]);
        }
    });
}
