//! Deliveries in: no more than there are receivers, acknowledged by them alone.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use contracts::Hint;
use engine::ports::{Delivery, Receipt};
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, Channel, Connection};
use telemetry::metrics::messages::{self, Destination};
use telemetry::spans;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Span;

use crate::Settings;
use crate::link::{Health, LinkError, Role, in_time};
use crate::topology::{self, WorkQueue};
use crate::wire::{self, HintMessage};

/// A delivery that nobody here has a slot for goes back after this, for another worker.
const IDLE_MAX: Duration = Duration::from_millis(250);
/// What settling may take. Unsettled, a hint is delivered again, which changes nothing.
const SETTLE_MAX: Duration = Duration::from_secs(3);
const NACK: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

/// The role of the connection that deliveries come in on.
///
/// Receivers that wait keep waiting through any number of connections.
pub(super) struct Consumption {
    requests: mpsc::Receiver<oneshot::Sender<Delivery>>,
    waiting: VecDeque<oneshot::Sender<Delivery>>,
    queue: WorkQueue,
    prefetch: u16,
}

impl Consumption {
    pub(super) fn new(
        settings: &Settings,
        requests: mpsc::Receiver<oneshot::Sender<Delivery>>,
    ) -> Self {
        let (queue, prefetch) = (WorkQueue::new(settings), settings.prefetch.max(1));
        Self { requests, waiting: VecDeque::new(), queue, prefetch }
    }

    /// Consumes while there are receivers; cancels the consumer while there are none, so that the
    /// broker gives its hints to others.
    async fn run(
        &mut self,
        connection: &Connection,
        health: &Health,
    ) -> Result<Infallible, LinkError> {
        let channel = self.queue.open(connection).await?;
        in_time(channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        health.up();
        loop {
            self.wanted().await;
            let options = BasicConsumeOptions::default();
            let (queue, none) = (topology::HINTS.into(), FieldTable::default());
            let consuming = channel.basic_consume(queue, "".into(), options, none);
            let mut consumer = in_time(consuming).await?;
            let spare = self.hand_out(&mut consumer).await?;
            give_back(&channel, consumer, spare).await?;
        }
    }

    /// Waits until a receiver waits.
    async fn wanted(&mut self) {
        loop {
            self.waiting.retain(|receiver| !receiver.is_closed());
            if !self.waiting.is_empty() {
                return;
            }
            match self.requests.recv().await {
                Some(receiver) => self.waiting.push_back(receiver),
                // Nobody can ask any more; the link is about to be stopped.
                None => return std::future::pending().await,
            }
        }
    }

    /// Hands deliveries to receivers until there has been none of those for [`IDLE_MAX`]: the
    /// deliveries that are left.
    async fn hand_out(
        &mut self,
        consumer: &mut lapin::Consumer,
    ) -> Result<Vec<Delivery>, LinkError> {
        let mut spare: VecDeque<Delivery> = VecDeque::new();
        let mut idle_since: Option<Instant> = None;
        loop {
            while let Some(delivery) = spare.pop_front() {
                if let Some(unwanted) = self.hand(delivery) {
                    spare.push_front(unwanted);
                    break;
                }
            }
            self.waiting.retain(|receiver| !receiver.is_closed());
            if self.waiting.is_empty() {
                idle_since.get_or_insert_with(Instant::now);
            } else {
                idle_since = None;
            }
            let idle_until = idle_since.unwrap_or_else(Instant::now) + IDLE_MAX;
            tokio::select! {
                biased;
                Some(receiver) = self.requests.recv() => self.waiting.push_back(receiver),
                delivered = consumer.next(), if !self.waiting.is_empty() => match delivered {
                    Some(delivered) => spare.extend(read(delivered?)),
                    None => return Err(LinkError::Cancelled),
                },
                () = sleep_until(idle_until), if idle_since.is_some() => return Ok(spare.into()),
            }
        }
    }

    /// Gives a delivery to the receiver that waits longest; back to the caller, if nobody takes it.
    fn hand(&mut self, mut delivery: Delivery) -> Option<Delivery> {
        while let Some(receiver) = self.waiting.pop_front() {
            match receiver.send(delivery) {
                Ok(()) => return None,
                Err(unwanted) => delivery = unwanted,
            }
        }
        Some(delivery)
    }
}

#[async_trait]
impl Role for Consumption {
    fn name(&self) -> &'static str {
        "assay deliveries"
    }

    async fn serve(&mut self, connection: &Connection, health: &Health) -> LinkError {
        let Err(error) = self.run(connection, health).await;
        error
    }
}

/// Reads a delivery. What cannot be read is settled at once: it would come again and again.
fn read(delivery: lapin::message::Delivery) -> Option<Delivery> {
    match serde_json::from_slice::<HintMessage>(&delivery.data) {
        Ok(message) => {
            messages::consumed(Destination::Hints, 1);
            let trace = wire::trace(delivery.properties.headers().as_ref());
            let hint = Hint { trace, ..message.hint };
            let span = match &hint.trace {
                Some(sent) => spans::process_hint(topology::HINTS, hint.job_id, sent),
                None => Span::none(),
            };
            let receipt = InHand { acker: Some(delivery.acker) };
            Some(Delivery { hint, span, receipt: Box::new(receipt) })
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a message in the queue of hints is no hint"
            );
            settle_now(delivery.acker.ack(BasicAckOptions::default()));
            None
        }
    }
}

/// Cancels a consumer, and gives back what it had brought.
async fn give_back(
    channel: &Channel,
    mut consumer: lapin::Consumer,
    spare: Vec<Delivery>,
) -> Result<(), LinkError> {
    in_time(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
    drop(spare);
    while let Some(delivered) = consumer.next().await {
        settle_now(delivered?.acker.nack(NACK));
    }
    Ok(())
}

/// Sends off the settling of a delivery without waiting until it is written.
fn settle_now(settling: impl Future<Output = Result<bool, lapin::Error>>) {
    // The first poll hands the frame over. If the connection is gone, the broker takes the
    // delivery back by itself.
    let _ = settling.now_or_never();
}

/// A hint in a receiver's hands. Dropped, it goes back.
struct InHand {
    acker: Option<Acker>,
}

#[async_trait]
impl Receipt for InHand {
    async fn ack(mut self: Box<Self>) {
        if let Some(acker) = self.acker.take() {
            settle(acker.ack(BasicAckOptions::default())).await;
        }
    }

    async fn nack(mut self: Box<Self>) {
        if let Some(acker) = self.acker.take() {
            settle(acker.nack(NACK)).await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(acker) = self.acker.take() {
            settle_now(acker.nack(NACK));
        }
    }
}

/// Settles a delivery. What fails here means that the hint is delivered again, where it is stale.
async fn settle(settling: impl Future<Output = Result<bool, lapin::Error>>) {
    match timeout(SETTLE_MAX, settling).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => tracing::debug!("a delivery of a lost connection was not settled"),
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "a delivery was not settled")
        }
        Err(_elapsed) => tracing::debug!("a delivery was not settled within {SETTLE_MAX:?}"),
    }
}
