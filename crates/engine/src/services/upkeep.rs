use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// The turns of work that is done again and again, until it is told to stop.
pub(super) struct Turns {
    ticks: Interval,
    stop: CancellationToken,
}

impl Turns {
    /// A turn now, and one every `interval`; a turn that is missed is left out.
    pub(super) fn every(interval: Duration, stop: CancellationToken) -> Self {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, stop }
    }

    /// Waits for the next turn; `false` if there is none any more.
    pub(super) async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            _ = self.ticks.tick() => true,
        }
    }
}
