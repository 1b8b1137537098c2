//! What may happen to a document between its acceptance and its end: pure.

use std::time::Duration;

use contracts::{Code, Timestamp};

/// Who claims a document holds it this long, and renews that while it reads.
pub const LEASE: Duration = Duration::from_secs(30);
/// The time from a document's first claim to its end, however often it changes hands. It does not
/// begin with the acceptance: a document that waits behind others is not to blame.
pub const TIME_MAX: Duration = Duration::from_secs(600);
/// Crashes of its holders after which a document is given up.
pub const CRASHES_MAX: u32 = 3;

/// What decides about a document that is not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// Until when somebody holds it.
    pub lease_until: Option<Timestamp>,
    /// How many of its holders went without a word.
    pub crash_count: u32,
}

/// What becomes of a document that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Nothing, for now.
    Stays,
    /// It may be claimed again, with this many crashes counted.
    GivenBack(u32),
    /// It failed.
    Failed(Code, String),
}

impl Reading {
    /// Its fate at `now`: what a sweep does with it.
    #[must_use]
    pub fn fate(&self, now: Timestamp) -> Fate {
        if self.left(now).is_zero() {
            let detail = format!("it was not read within {} s", TIME_MAX.as_secs());
            return Fate::Failed(Code::DeadlineExceeded, detail);
        }
        match self.lease_until {
            Some(until) if until <= now => self.fate_after_crash(),
            Some(_) | None => Fate::Stays,
        }
    }

    /// Its fate when its holder is known to be gone without a word.
    #[must_use]
    pub fn fate_after_crash(&self) -> Fate {
        let crashes = self.crash_count.saturating_add(1);
        if crashes < CRASHES_MAX {
            return Fate::GivenBack(crashes);
        }
        let detail = format!("{crashes} workers died while they read it");
        Fate::Failed(Code::WorkerLost, detail)
    }

    /// What is left of its time.
    #[must_use]
    pub fn left(&self, now: Timestamp) -> Duration {
        let used = self.started_at.map_or(Duration::ZERO, |started_at| now.since(started_at));
        TIME_MAX.saturating_sub(used)
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Code, Timestamp};

    use super::{CRASHES_MAX, Fate, LEASE, Reading, TIME_MAX};

    const START: Timestamp = Timestamp::from_millis(1_000);

    fn held(crash_count: u32) -> Reading {
        Reading { started_at: Some(START), lease_until: Some(START.after(LEASE)), crash_count }
    }

    #[test]
    fn a_document_is_given_back_when_its_lease_passes_and_not_before() {
        let last = Timestamp::from_millis(START.after(LEASE).as_millis() - 1);
        assert_eq!(held(0).fate(last), Fate::Stays);
        assert_eq!(held(0).fate(START.after(LEASE)), Fate::GivenBack(1));
    }

    #[test]
    fn a_document_that_nobody_claimed_waits_for_ever() {
        let waiting = Reading { started_at: None, lease_until: None, crash_count: 0 };
        assert_eq!(waiting.fate(START.after(100 * TIME_MAX)), Fate::Stays);
    }

    #[test]
    fn a_document_that_kills_its_readers_is_given_up() {
        for crashes in 0..CRASHES_MAX - 1 {
            assert_eq!(held(crashes).fate_after_crash(), Fate::GivenBack(crashes + 1));
        }
        let fate = held(CRASHES_MAX - 1).fate_after_crash();
        assert!(matches!(fate, Fate::Failed(Code::WorkerLost, _)), "{fate:?}");
    }

    #[test]
    fn a_document_whose_time_is_over_fails_whoever_holds_it() {
        let end = START.after(TIME_MAX);
        for lease_until in [None, Some(end), Some(end.after(LEASE))] {
            let fate = Reading { lease_until, ..held(0) }.fate(end);
            assert!(matches!(fate, Fate::Failed(Code::DeadlineExceeded, _)), "{fate:?}");
        }
    }
}
