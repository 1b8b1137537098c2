//! Refilling the window of hints: what makes a queued job start, whatever was lost on the way.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::HINT_WINDOW;
use super::upkeep::Turns;
use crate::ports::{HintQueue, JobStore, PublishError, Refill, StoreError};

/// How often the window is refilled.
const INTERVAL: Duration = Duration::from_millis(250);
/// A hint that was not claimed for this long is sent again.
const RESEND_AFTER: Duration = Duration::from_secs(15);

/// Refills the window until `stop`. Every process may do this; none has to be the leader.
pub async fn dispatch(
    store: Arc<dyn JobStore>,
    queue: Arc<dyn HintQueue>,
    stop: CancellationToken,
) {
    let mut turns = Turns::every(INTERVAL, stop);
    while turns.next().await {
        if let Err(error) = refill(store.as_ref(), queue.as_ref()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "hints not refilled");
        }
    }
}

async fn refill(store: &dyn JobStore, queue: &dyn HintQueue) -> Result<(), StoreError> {
    let taken = store.refill(Refill { window: HINT_WINDOW, resend_after: RESEND_AFTER }).await?;
    let mut hints = taken.into_iter();
    while let Some(hint) = hints.next() {
        match queue.publish(hint).await {
            Ok(()) => {}
            Err(PublishError::Full | PublishError::Unavailable(_)) => {
                let unsent: Vec<_> = std::iter::once(hint).chain(hints).collect();
                return store.unhint(&unsent).await;
            }
        }
    }
    Ok(())
}
