//! A queue that can be out, and says what became of its deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use adapter_embedded::InProcessHintQueue;
use async_trait::async_trait;
use contracts::Hint;
use engine::ports::{Delivery, HintQueue, PublishError, QueueClosed, Receipt};
use engine::services::QUEUE_OUTAGE;

#[derive(Clone, Default)]
pub(crate) struct Queue {
    inner: InProcessHintQueue,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_out: AtomicBool,
    acks: AtomicUsize,
    nacks: AtomicUsize,
}

impl Queue {
    pub(crate) fn fail(&self) {
        self.state.is_out.store(true, Ordering::SeqCst);
    }

    pub(crate) fn recover(&self) {
        self.state.is_out.store(false, Ordering::SeqCst);
    }

    pub(crate) fn acks(&self) -> usize {
        self.state.acks.load(Ordering::SeqCst)
    }

    pub(crate) fn nacks(&self) -> usize {
        self.state.nacks.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl HintQueue for Queue {
    async fn publish(&self, hint: Hint) -> Result<(), PublishError> {
        if self.outage().is_some() {
            return Err(PublishError::Unavailable("the test says so".into()));
        }
        self.inner.publish(hint).await
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        let Delivery { hint, span, receipt } = self.inner.receive().await?;
        let receipt = Counted { receipt, state: Arc::clone(&self.state) };
        Ok(Delivery { hint, span, receipt: Box::new(receipt) })
    }

    fn outage(&self) -> Option<Duration> {
        self.state.is_out.load(Ordering::SeqCst).then_some(QUEUE_OUTAGE)
    }
}

struct Counted {
    receipt: Box<dyn Receipt>,
    state: Arc<State>,
}

#[async_trait]
impl Receipt for Counted {
    async fn ack(self: Box<Self>) {
        self.receipt.ack().await;
        self.state.acks.fetch_add(1, Ordering::SeqCst);
    }

    async fn nack(self: Box<Self>) {
        self.receipt.nack().await;
        self.state.nacks.fetch_add(1, Ordering::SeqCst);
    }
}
