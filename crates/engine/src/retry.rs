//! When to try again: pure, and the only place where it is decided.
//!
//! Exponential backoff with full jitter: the delay is a uniform number in 0..1 times a ceiling
//! that doubles with every failure (Brooker, "Exponential Backoff And Jitter", AWS 2015). What
//! the other side asked to wait is a floor.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

use crate::ErrorClass;

/// How long to wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// The ceiling of the first wait.
    pub initial: Duration,
    /// The ceiling of every later wait grows by this factor…
    pub multiplier: f64,
    /// …up to this.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(60) }
    }
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this long.
    RetryAfter(Duration),
    /// Wait for so long, and count no failure: what it needs is out, and is probed then.
    WaitFor(Duration),
    /// It would fail again.
    GiveUp,
}

impl RetryPolicy {
    /// What to do about a failure of this class, after `failures` earlier ones.
    ///
    /// `uniform` is a random number in `0.0..1.0`. Whether the job has an attempt and time left is
    /// decided where the job is: see [`crate::job::Change::Retry`].
    #[must_use]
    pub fn verdict(&self, failures: u32, class: ErrorClass, uniform: f64) -> Verdict {
        let floor = match class {
            ErrorClass::Permanent | ErrorClass::Cancelled => return Verdict::GiveUp,
            ErrorClass::CircuitOpen { probe_after } => return Verdict::WaitFor(probe_after),
            ErrorClass::Transient { retry_after } | ErrorClass::RateLimited { retry_after } => {
                retry_after.unwrap_or(Duration::ZERO)
            }
            ErrorClass::Timeout | ErrorClass::Bug => Duration::ZERO,
        };
        let delay = self.ceiling(failures).mul_f64(uniform.clamp(0.0, 1.0));
        Verdict::RetryAfter(delay.max(floor))
    }

    /// The longest wait after `failures` earlier failures.
    pub(crate) fn ceiling(&self, failures: u32) -> Duration {
        let mut backoff: ExponentialBackoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(self.initial)
            .with_multiplier(self.multiplier)
            .with_max_interval(self.max)
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        let mut ceiling = self.initial;
        for _ in 0..=failures.min(64) {
            ceiling = backoff.next_backoff().unwrap_or(self.max);
        }
        ceiling.min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRANSIENT: ErrorClass = ErrorClass::Transient { retry_after: None };

    fn delay(policy: RetryPolicy, failures: u32, class: ErrorClass, uniform: f64) -> Duration {
        match policy.verdict(failures, class, uniform) {
            Verdict::RetryAfter(delay) => delay,
            Verdict::WaitFor(_) | Verdict::GiveUp => panic!("no retry of {class:?}"),
        }
    }

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum() {
        let policy = RetryPolicy::default();
        let ceilings: Vec<u64> =
            (0..8).map(|n| delay(policy, n, TRANSIENT, 1.0).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn what_fails_for_good_is_given_up() {
        for class in [ErrorClass::Permanent, ErrorClass::Cancelled] {
            assert_eq!(RetryPolicy::default().verdict(0, class, 0.5), Verdict::GiveUp);
        }
    }

    #[test]
    fn what_the_other_side_asked_is_a_floor() {
        let asked = Duration::from_secs(30);
        for class in [
            ErrorClass::RateLimited { retry_after: Some(asked) },
            ErrorClass::Transient { retry_after: Some(asked) },
        ] {
            assert_eq!(delay(RetryPolicy::default(), 0, class, 0.0), asked);
        }
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_its_ceiling(failures in 0u32..200, uniform in 0.0f64..1.0) {
            let policy = RetryPolicy::default();
            prop_assert!(delay(policy, failures, TRANSIENT, uniform) <= policy.max);
        }
    }
}
