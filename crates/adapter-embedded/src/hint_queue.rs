use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use contracts::Hint;
use engine::ports::{Delivery, HintQueue, PublishError, QueueClosed, Receipt};
use tokio::sync::Notify;
use tracing::Span;

/// Hints held, unless told otherwise: some windows' worth.
const HINTS_MAX: usize = 1_024;

/// Hints within one process.
///
/// It holds a bounded number of hints, those in receivers' hands included, so that a hint that is
/// given back always finds room.
#[derive(Debug, Clone)]
pub struct InProcessHintQueue {
    shared: Arc<Shared>,
}

impl InProcessHintQueue {
    /// A queue that holds this many hints at the most.
    #[must_use]
    pub fn with_capacity(hints_max: usize) -> Self {
        let shared =
            Shared { content: Mutex::default(), filled: Notify::new(), capacity: hints_max };
        Self { shared: Arc::new(shared) }
    }

    /// Shuts the queue down: every receiver is told, and what it holds is lost. The store's refill
    /// sends it again.
    pub fn close(&self) {
        let mut content = self.shared.lock();
        content.is_closed = true;
        content.waiting.clear();
        drop(content);
        self.shared.filled.notify_waiters();
        self.shared.filled.notify_one();
    }
}

impl Default for InProcessHintQueue {
    fn default() -> Self {
        Self::with_capacity(HINTS_MAX)
    }
}

#[async_trait]
impl HintQueue for InProcessHintQueue {
    async fn publish(&self, hint: Hint) -> Result<(), PublishError> {
        let mut content = self.shared.lock();
        if content.is_closed {
            return Err(PublishError::Unavailable(Box::new(QueueClosed)));
        }
        if content.waiting.len() + content.in_hand >= self.shared.capacity {
            return Err(PublishError::Full);
        }
        content.waiting.push_back(hint);
        drop(content);
        self.shared.filled.notify_one();
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        loop {
            if let Some(hint) = self.shared.take()? {
                let receipt = InHand { shared: Arc::clone(&self.shared), hint: Some(hint) };
                return Ok(Delivery { hint, span: Span::none(), receipt: Box::new(receipt) });
            }
            self.shared.filled.notified().await;
        }
    }
}

#[derive(Debug)]
struct Shared {
    content: Mutex<Content>,
    filled: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Content {
    waiting: VecDeque<Hint>,
    in_hand: usize,
    is_closed: bool,
}

impl Shared {
    /// The next hint, if there is one. Wakes the next receiver where more remains, because any
    /// number of publications leaves a single wake-up behind while nobody waits.
    fn take(&self) -> Result<Option<Hint>, QueueClosed> {
        let mut content = self.lock();
        if content.is_closed {
            self.filled.notify_one();
            return Err(QueueClosed);
        }
        let Some(hint) = content.waiting.pop_front() else { return Ok(None) };
        content.in_hand += 1;
        if !content.waiting.is_empty() {
            self.filled.notify_one();
        }
        Ok(Some(hint))
    }

    /// A hint that comes back goes behind the others: whoever could not serve it is not asked
    /// again at once.
    fn give_back(&self, hint: Hint) {
        let mut content = self.lock();
        content.in_hand -= 1;
        if !content.is_closed {
            content.waiting.push_back(hint);
            drop(content);
            self.filled.notify_one();
        }
    }

    fn settle(&self) {
        self.lock().in_hand -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hint in a receiver's hands. Dropped, it goes back.
struct InHand {
    shared: Arc<Shared>,
    hint: Option<Hint>,
}

#[async_trait]
impl Receipt for InHand {
    async fn ack(mut self: Box<Self>) {
        if self.hint.take().is_some() {
            self.shared.settle();
        }
    }

    async fn nack(self: Box<Self>) {
        drop(self);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(hint) = self.hint.take() {
            self.shared.give_back(hint);
        }
    }
}
