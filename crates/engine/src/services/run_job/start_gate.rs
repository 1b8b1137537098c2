//! What holds back whatever a worker could begin, while it cannot renew its lease.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A worker that did not renew its lease for this long begins nothing: its jobs may soon be
/// somebody else's. Less than a third of [`LEASE`](crate::services::sweep::LEASE), so that what it
/// begins last has begun long before the lease is lost.
const FRESH_FOR: Duration = Duration::from_secs(3);

/// Whether a worker may begin something: a call to the outside, or another job.
///
/// It asks for the age of the last renewal at that very moment: a process that was stopped and goes
/// on begins nothing on the strength of a renewal from before.
#[derive(Debug, Clone, Default)]
pub struct StartGate {
    /// `None` for work that is under no lease.
    renewed_at: Option<watch::Receiver<Option<Instant>>>,
}

/// Opens a [`StartGate`], for a while each time.
#[derive(Debug, Clone)]
pub struct Renewals {
    at: watch::Sender<Option<Instant>>,
}

impl StartGate {
    /// A gate that is closed until the first renewal. One made by [`Default`] is always open.
    #[must_use]
    pub fn closed() -> (Renewals, Self) {
        let (at, renewed_at) = watch::channel(None);
        (Renewals { at }, Self { renewed_at: Some(renewed_at) })
    }

    /// Waits until something may begin. Once nobody renews the lease any more, the worker is at
    /// its end, and this waits for ever.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn opened(&self) {
        let Some(renewed_at) = &self.renewed_at else { return };
        let is_fresh = |at: &Option<Instant>| at.is_some_and(|at| at.elapsed() < FRESH_FOR);
        if renewed_at.clone().wait_for(is_fresh).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Renewals {
    /// How long ago the lease was renewed; `None` before the first time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.at.borrow().map(|at| at.elapsed())
    }

    /// The lease was renewed by a request that was sent at this moment.
    pub fn renewed(&self, sent_at: Instant) {
        // Nobody may be waiting.
        self.at.send_replace(Some(sent_at));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_before_the_first_renewal_or_long_after_the_last() {
        let (renewals, gate) = StartGate::closed();
        assert!(gate.opened().now_or_never().is_none());
        renewals.renewed(Instant::now());
        assert!(gate.opened().now_or_never().is_some());
        tokio::time::advance(FRESH_FOR).await;
        let waiting = gate.opened();
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        renewals.renewed(Instant::now());
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_counts_from_when_it_was_asked_for() {
        let (renewals, gate) = StartGate::closed();
        let sent_at = Instant::now();
        tokio::time::advance(FRESH_FOR).await;
        renewals.renewed(sent_at);
        assert!(gate.opened().now_or_never().is_none());
    }

    #[tokio::test]
    async fn work_under_no_lease_is_never_held_back() {
        assert!(StartGate::default().opened().now_or_never().is_some());
    }
}
