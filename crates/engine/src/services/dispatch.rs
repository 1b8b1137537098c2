//! Refilling the window of hints: what makes a queued job start, whatever was lost on the way.

use std::sync::Arc;
use std::time::Duration;

use contracts::Hint;
use futures_util::{StreamExt as _, stream};
use telemetry::metrics::{self, Outcome};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::upkeep::Turns;
use super::{HINT_WINDOW, QUEUE_OUTAGE};
use crate::faults::{self, HINT};
use crate::ports::{HintQueue, JobStore, Refill, Resend, StoreError};

/// How often the window is refilled.
const INTERVAL: Duration = Duration::from_millis(250);
/// When a hint that was not claimed is sent again, though it may wait in the queue: seldom enough
/// that behind long jobs the queue does not fill with repetitions.
const RESEND: Resend = Resend { first: Duration::from_secs(15), max: Duration::from_secs(5 * 60) };
/// Hints that wait for their confirmation at the most: a queue confirms many at once.
const SENDS_MAX: usize = 256;
/// What sending one may take; then it counts as not sent. More than what adapters allow it.
const SEND_MAX: Duration = Duration::from_secs(5);

/// Refills the window until `stop`. Every process may do this; none has to be the leader.
///
/// While the queue is out, jobs are left unmarked in the store, where workers take them.
pub async fn dispatch(
    store: Arc<dyn JobStore>,
    queue: Arc<dyn HintQueue>,
    stop: CancellationToken,
) {
    let mut turns = Turns::every(INTERVAL, stop);
    while turns.next().await {
        if is_out(queue.as_ref()) {
            continue;
        }
        if let Err(error) = refill(store.as_ref(), queue.as_ref(), RESEND).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "hints not refilled");
        }
    }
}

/// Refills the window once. Hints that nobody claimed for the time of `resend` are sent again;
/// those that cannot be sent are given back.
///
/// # Errors
/// The store's. What it had marked as hinted and was not sent is then sent again later.
pub async fn refill(
    store: &dyn JobStore,
    queue: &dyn HintQueue,
    resend: Resend,
) -> Result<(), StoreError> {
    let taken = take(store, Refill { window: HINT_WINDOW, resend }).await?;
    let unsent = send(queue, taken).await;
    if unsent.is_empty() { Ok(()) } else { store.unhint(&unsent).await }
}

/// Takes jobs that are due from the store, as it says in [`JobStore::refill`].
///
/// # Errors
/// The store's.
pub async fn take(store: &dyn JobStore, refill: Refill) -> Result<Vec<Hint>, StoreError> {
    let began = Instant::now();
    let taken = store.refill(refill).await;
    metrics::hints::refilled(Outcome::of(&taken), began.elapsed());
    taken
}

/// Whether the queue has been out for so long that it is done without.
pub(super) fn is_out(queue: &dyn HintQueue) -> bool {
    queue.outage().is_some_and(|outage| outage >= QUEUE_OUTAGE)
}

/// Sends hints side by side, begun in their order. Those that were not sent.
pub(super) async fn send(queue: &dyn HintQueue, hints: Vec<Hint>) -> Vec<Hint> {
    let sends = hints.into_iter().map(|hint| async move {
        faults::reach(HINT.before);
        match timeout(SEND_MAX, queue.publish(hint)).await {
            Ok(Ok(())) => {
                if faults::repeats(HINT.after) {
                    // Whatever becomes of the second one, the first is sent.
                    let _ = queue.publish(hint).await;
                }
                None
            }
            Ok(Err(error)) => {
                tracing::debug!(job_id = %hint.job_id, error = &error as &dyn std::error::Error, "hint not sent");
                Some(hint)
            }
            Err(_elapsed) => {
                tracing::debug!(job_id = %hint.job_id, "hint not sent within {SEND_MAX:?}");
                Some(hint)
            }
        }
    });
    stream::iter(sends).buffer_unordered(SENDS_MAX).filter_map(std::future::ready).collect().await
}
