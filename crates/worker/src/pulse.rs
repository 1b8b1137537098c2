//! Whether the runtime that the steps run on still does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// How often the runtime shows that it is not blocked.
const TICK: Duration = Duration::from_millis(250);

/// Counts the ticks of a runtime.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    ticks: Arc<AtomicU64>,
}

impl Pulse {
    /// Ticks for as long as this is polled.
    pub(crate) async fn tick(self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.ticks.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ticks so far.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}

/// For how long a runtime has not ticked, as far as an observer can tell who looks again and again.
#[derive(Debug)]
pub(crate) struct Silence {
    ticks: u64,
    length: Duration,
    /// What a look adds at the most.
    look_max: Duration,
}

impl Silence {
    /// Begins with no silence. An observer that is later than `look_max` was not there itself: the
    /// process was stopped, or starved, and its runtime with it. That time proves nothing.
    pub(crate) const fn new(look_max: Duration) -> Self {
        Self { ticks: 0, length: Duration::ZERO, look_max }
    }

    /// What a look shows, `since_last` after the one before.
    pub(crate) fn look(&mut self, ticks: u64, since_last: Duration) -> Duration {
        if ticks == self.ticks {
            self.length += since_last.min(self.look_max);
        } else {
            (self.ticks, self.length) = (ticks, Duration::ZERO);
        }
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(500);

    #[test]
    fn silence_grows_until_the_next_tick() {
        let mut silence = Silence::new(2 * LOOK);
        assert_eq!(silence.look(1, LOOK), Duration::ZERO);
        assert_eq!(silence.look(1, LOOK), LOOK);
        assert_eq!(silence.look(1, LOOK), 2 * LOOK);
        assert_eq!(silence.look(2, LOOK), Duration::ZERO);
        assert_eq!(silence.look(2, LOOK), LOOK);
    }

    #[test]
    fn a_process_that_was_stopped_was_not_silent() {
        let mut silence = Silence::new(2 * LOOK);
        silence.look(1, LOOK);
        assert_eq!(silence.look(1, Duration::from_secs(3_600)), 2 * LOOK);
    }

    #[tokio::test]
    async fn a_runtime_that_runs_ticks() {
        let pulse = Pulse::default();
        let ticking = tokio::spawn(pulse.clone().tick());
        let ticked = async || (pulse.ticks() > 2).then_some(());
        testkit::eventually(Duration::from_secs(30), ticked).await;
        ticking.abort();
    }
}
