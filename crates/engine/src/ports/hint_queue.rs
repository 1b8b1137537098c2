use std::time::Duration;

use async_trait::async_trait;
use contracts::Hint;
use tracing::Span;

/// Carries hints from gateways to workers: the fast way, never the only one.
///
/// **Delivery** is at least once while the queue lives, and to one receiver at a time: a delivery
/// that is dropped, or given back, is delivered again. A queue may lose everything it holds; the
/// store's refill sends it again.
///
/// **Bounds.** A queue holds a bounded number of hints and refuses more.
#[async_trait]
pub trait HintQueue: Send + Sync {
    /// Sends a hint. `Ok` once the queue has taken responsibility for it.
    async fn publish(&self, hint: Hint) -> Result<(), PublishError>;

    /// Waits for a hint. Several receivers compete.
    ///
    /// # Cancel safety
    /// Dropping the future loses no hint.
    async fn receive(&self) -> Result<Delivery, QueueClosed>;

    /// For how long no hint could be sent or delivered; `None` while both can be, as in a queue
    /// within the process. Receivers keep waiting meanwhile: it is the store that has work.
    fn outage(&self) -> Option<Duration> {
        None
    }
}

/// A hint in the hands of a receiver.
pub struct Delivery {
    /// The hint.
    pub hint: Hint,
    /// What is done with it, to where it is settled: what the receiver does is to be in this span.
    /// None in a queue within the process, which no trace knows of.
    pub span: Span,
    /// What settles it. Dropped without a word, it gives the hint back.
    pub receipt: Box<dyn Receipt>,
}

/// Settles a delivery.
#[async_trait]
pub trait Receipt: Send {
    /// The hint is served or stale: it is not delivered again.
    async fn ack(self: Box<Self>);

    /// Nobody here can serve it now: it is delivered again.
    async fn nack(self: Box<Self>);
}

/// Why a hint was not sent.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The queue holds as much as it may.
    #[error("the queue is full")]
    Full,
    /// The queue cannot be reached or does not confirm.
    #[error("the queue is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The queue is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct QueueClosed;
