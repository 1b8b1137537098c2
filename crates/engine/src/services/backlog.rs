//! How much waits, for those who look after a fleet.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use telemetry::metrics::jobs;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::ports::{Backlog, JobStore};

/// How often the store is asked, on average. Scrapes do not ask it, however many come.
const INTERVAL: Duration = Duration::from_secs(5);
/// What asking may take of the time: a fiftieth. A store whose answer takes long is asked less.
const SHARE: u32 = 50;
/// What was read so long ago says nothing of now.
const STALE: Duration = Duration::from_secs(30);
/// Jobs of each kind that are counted. That there are more makes no difference to anybody.
const COUNTED_MAX: usize = 100_000;

/// What was read last, and when.
type Latest = Arc<Mutex<Option<(Instant, Backlog)>>>;

/// Shows the store's backlog until `stop`. Every gateway does: each shows the same. `uniform` gives
/// random numbers in `0.0..1.0`, so that they do not ask all at once.
pub async fn watch_backlog(
    store: Arc<dyn JobStore>,
    uniform: fn() -> f64,
    stop: CancellationToken,
) {
    let latest = Latest::default();
    let shown = Arc::clone(&latest);
    let _shown = jobs::observe_backlog(move || fresh(&shown));
    loop {
        let began = Instant::now();
        match store.backlog(COUNTED_MAX).await {
            Ok(backlog) => {
                let read = Some((Instant::now(), backlog));
                *latest.lock().unwrap_or_else(PoisonError::into_inner) = read;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "backlog not read");
            }
        }
        let interval = INTERVAL.max(began.elapsed() * SHARE);
        let wait = sleep(interval.mul_f64(0.5 + uniform().clamp(0.0, 1.0)));
        if stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

fn fresh(latest: &Latest) -> Option<jobs::Backlog> {
    let (read_at, backlog) = (*latest.lock().unwrap_or_else(PoisonError::into_inner))?;
    let Backlog { due, held, backing_off, oldest_due } = backlog;
    (read_at.elapsed() < STALE).then_some(jobs::Backlog { due, held, backing_off, oldest_due })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_backlog_that_was_read_long_ago_is_not_shown() {
        let backlog = Backlog { due: 3, ..Backlog::default() };
        let latest = Arc::new(Mutex::new(Some((Instant::now(), backlog))));
        assert_eq!(fresh(&latest).map(|backlog| backlog.due), Some(3));
        tokio::time::advance(STALE).await;
        assert_eq!(fresh(&latest), None);
    }
}
