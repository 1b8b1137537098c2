use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use contracts::Timestamp;

/// The time of day, for an embedded store. A fleet's store has its database's clock.
pub trait Clock: Send + Sync {
    /// The time now. Never earlier than what any earlier call returned.
    fn now(&self) -> Timestamp;
}

/// The system's clock, held from running backwards within this process.
#[derive(Debug)]
pub struct SystemClock {
    latest_ms: AtomicI64,
}

impl SystemClock {
    /// The system's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest_ms: AtomicI64::new(i64::MIN) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let before = self.latest_ms.fetch_max(now_ms, Ordering::Relaxed);
        Timestamp::from_millis(now_ms.max(before))
    }
}
