//! How jobs get into slots: from the queue, or from the store while the queue is out.

use std::sync::Arc;
use std::time::Duration;

use contracts::Hint;
use engine::faults::{self, ACK};
use engine::ports::{Delivery, JobStore, Receipt, Refill, Resend, StoreError};
use engine::services::{QUEUE_OUTAGE, dispatch};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{Place, Worker};

/// A delivery that has no place for this long goes back, for another worker.
const PLACE_WAIT: Duration = Duration::from_millis(250);
/// The queue is empty if it brings a free slot nothing for this long. Less than the time between
/// two refills, so that the trickle of a nearly full window does not pass for a supply.
const QUIET: Duration = Duration::from_millis(200);
/// How often the store is asked while the queue is empty. With [`LOST`] it makes a job whose
/// hint was lost start within 3 s.
const EMPTY_INTERVAL: Duration = Duration::from_millis(500);
/// How often the store is asked while the queue is out.
const OUTAGE_INTERVAL: Duration = Duration::from_millis(250);
/// A hint this old that nobody claimed is lost, if slots are free and the queue is empty. However
/// often that happens to a job, it does not wait longer.
const LOST: Resend = Resend::always(Duration::from_secs(2));

/// A hint in the hands of this worker.
pub(crate) struct Taken {
    pub(crate) hint: Hint,
    /// What is done with it; none for a hint from the store.
    pub(crate) span: Span,
    /// What settles the delivery; a hint from the store has none.
    receipt: Option<Box<dyn Receipt>>,
}

impl Taken {
    /// The job is claimed.
    pub(crate) async fn claimed(self) {
        if let Some(receipt) = self.receipt {
            faults::reach(ACK.before);
            receipt.ack().await;
            faults::reach(ACK.after);
        }
    }

    /// The job is not for this worker. One that the store named goes back, because it may be for
    /// another: taken and left, it would look as if its hint were under way.
    pub(crate) async fn stale(self, store: &dyn JobStore) {
        let Some(receipt) = self.receipt else {
            if let Err(error) = store.unhint(&[self.hint]).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "job not given back");
            }
            return;
        };
        receipt.ack().await;
    }

    /// The store could not say. A job that it named is taken again once its hint counts as lost.
    pub(crate) async fn not_served(self) {
        if let Some(receipt) = self.receipt {
            receipt.nack().await;
        }
    }
}

impl Worker {
    /// Takes jobs until `stop`, or until the queue is shut down.
    pub(crate) async fn take_in(&self, stop: &CancellationToken) {
        let mut asked_at = Instant::now();
        while let Some(Some(slot)) = stop.run_until_cancelled(self.slot()).await {
            tokio::select! {
                () = stop.cancelled() => return,
                delivery = self.queue.receive() => {
                    let Ok(delivery) = delivery else { return };
                    // A delivery that is dropped here is delivered again.
                    if stop.run_until_cancelled(self.admit(delivery, slot)).await.is_none() {
                        return;
                    }
                }
                () = self.nothing_comes(asked_at) => {
                    asked_at = Instant::now();
                    // Not cut short by `stop`: what the store hands out, it takes for hinted.
                    self.claims.spawn(self.clone().ask_the_store(slot));
                }
            }
        }
    }

    /// A slot, once one is free, the lease is renewed, and no job runs alone or waits for that:
    /// before, nothing could be done with a delivery.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        drop(self.company.read().await);
        self.gate.opened().await;
        Some(slot)
    }

    async fn admit(&self, delivery: Delivery, slot: OwnedSemaphorePermit) {
        let company = async {
            self.gate.opened().await;
            Arc::clone(&self.company).read_owned().await
        };
        let Delivery { hint, span, receipt } = delivery;
        match timeout(PLACE_WAIT, company).await {
            Ok(company) => {
                let taken = Taken { hint, span, receipt: Some(receipt) };
                self.claims.spawn(self.clone().serve(taken, Place { slot, company }));
            }
            Err(_elapsed) => receipt.nack().await,
        }
    }

    /// Returns when the store is to be asked, which it was at `asked_at` the last time.
    async fn nothing_comes(&self, asked_at: Instant) {
        let interval = if self.queue.outage().is_some() { OUTAGE_INTERVAL } else { EMPTY_INTERVAL };
        sleep_until((asked_at + interval).max(Instant::now() + QUIET)).await;
    }

    /// Without a queue, takes jobs from the store; over an empty one, has lost hints sent again.
    /// The slot is held meanwhile: a store that does not answer is not asked over and over.
    async fn ask_the_store(self, slot: OwnedSemaphorePermit) {
        let asked = match self.queue.outage() {
            Some(outage) if outage >= QUEUE_OUTAGE => self.fill(slot).await,
            // The broker may be back in a moment, with every hint that it held.
            Some(_) => Ok(()),
            None => {
                let (store, queue) = (self.store.as_ref(), self.queue.as_ref());
                let refilled = dispatch::refill(store, queue, LOST).await;
                drop(slot);
                refilled
            }
        };
        if let Err(error) = asked {
            tracing::warn!(error = &error as &dyn std::error::Error, "the store was not asked");
        }
    }

    /// Takes as many jobs from the store as there are free slots, `slot` among them.
    async fn fill(&self, slot: OwnedSemaphorePermit) -> Result<(), StoreError> {
        let places = self.places(slot);
        if places.is_empty() {
            return Ok(());
        }
        let refill = Refill { window: places.len(), resend: LOST };
        let hints = dispatch::take(self.store.as_ref(), refill).await?;
        for (hint, place) in hints.into_iter().zip(places) {
            let taken = Taken { hint, span: Span::none(), receipt: None };
            self.claims.spawn(self.clone().serve(taken, place));
        }
        Ok(())
    }

    /// The places that are free now; none while a job runs alone, or waits for that.
    fn places(&self, slot: OwnedSemaphorePermit) -> Vec<Place> {
        let others = std::iter::from_fn(|| Arc::clone(&self.slots).try_acquire_owned().ok());
        let slots = std::iter::once(slot).chain(others);
        let place = |slot| {
            let company = Arc::clone(&self.company).try_read_owned().ok()?;
            Some(Place { slot, company })
        };
        slots.map_while(place).collect()
    }
}
