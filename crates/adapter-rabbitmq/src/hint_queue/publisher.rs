//! Hints out: persistent, mandatory, confirmed, bounded in flight.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use contracts::Hint;
use engine::ports::PublishError;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use telemetry::metrics::messages;
use telemetry::{context, spans};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::link::{Health, LinkError, Role, State, in_time};
use crate::topology::{self, WorkQueue};
use crate::wire::{self, HintMessage};

/// Hints that are sent and not confirmed. More wait their turn.
const IN_FLIGHT_MAX: usize = 256;
/// What a confirm may take. A broker that is slower is as good as none.
const CONFIRM_MAX: Duration = Duration::from_secs(3);
/// `delivery_mode` of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// A hint on its way.
pub(super) struct Outgoing {
    hint: Hint,
    answer: oneshot::Sender<Result<(), Unsent>>,
}

/// Why a hint was not taken.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error("there is no connection to the broker")]
    NoConnection,
    #[error("the broker was lost before it confirmed")]
    Lost,
    #[error("the broker did not confirm within {CONFIRM_MAX:?}")]
    Unconfirmed,
    #[error("the broker returned the hint: it had no queue for it")]
    Returned,
    #[error("the queue holds as much as it may")]
    Full,
    #[error("the broker failed")]
    Broker(#[source] lapin::Error),
}

impl Unsent {
    const fn measured(&self) -> messages::Unsent {
        match self {
            Self::NoConnection => messages::Unsent::NoConnection,
            Self::Lost => messages::Unsent::Lost,
            Self::Unconfirmed => messages::Unsent::Unconfirmed,
            Self::Returned => messages::Unsent::Returned,
            Self::Full => messages::Unsent::Full,
            Self::Broker(_) => messages::Unsent::Broker,
        }
    }
}

impl From<Unsent> for PublishError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Full => Self::Full,
            Unsent::NoConnection
            | Unsent::Lost
            | Unsent::Unconfirmed
            | Unsent::Returned
            | Unsent::Broker(_) => Self::Unavailable(Box::new(unsent)),
        }
    }
}

/// Sends a hint and waits for its confirm, for as long as that can come.
pub(super) async fn publish(
    outgoing: &mpsc::Sender<Outgoing>,
    health: &Health,
    hint: Hint,
) -> Result<(), PublishError> {
    let began = Instant::now();
    let sent = send_confirmed(outgoing, health, hint).await;
    let measured = sent.as_ref().copied().map_err(Unsent::measured);
    messages::confirmed(measured, began.elapsed());
    Ok(sent?)
}

async fn send_confirmed(
    outgoing: &mpsc::Sender<Outgoing>,
    health: &Health,
    hint: Hint,
) -> Result<(), Unsent> {
    let mut states = health.watch();
    if *states.borrow_and_update() != State::Up {
        return Err(Unsent::NoConnection);
    }
    let (answer, answered) = oneshot::channel();
    let sending = async {
        let sent = outgoing.send(Outgoing { hint, answer }).await;
        sent.map_err(|_closed| Unsent::NoConnection)?;
        answered.await.map_err(|_dropped| Unsent::Lost)?
    };
    tokio::select! {
        biased;
        confirmed = timeout(CONFIRM_MAX, sending) => confirmed.map_err(|_| Unsent::Unconfirmed)?,
        _ = states.wait_for(|state| *state != State::Up) => Err(Unsent::Lost),
    }
}

/// The role of the connection that hints go out on.
pub(super) struct Publication {
    outgoing: mpsc::Receiver<Outgoing>,
    queue: WorkQueue,
}

/// What the broker said of a hint.
struct Settled {
    message_id: ShortString,
    answer: oneshot::Sender<Result<(), Unsent>>,
    confirmation: Result<Confirmation, LinkError>,
}

impl Publication {
    pub(super) fn new(queue: WorkQueue) -> (Self, mpsc::Sender<Outgoing>) {
        let (sender, outgoing) = mpsc::channel(IN_FLIGHT_MAX);
        (Self { outgoing, queue }, sender)
    }

    async fn run(
        &mut self,
        connection: &Connection,
        health: &Health,
    ) -> Result<Infallible, LinkError> {
        let channel = self.queue.open(connection).await?;
        in_time(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        health.up();
        let mut states = health.watch();
        let mut in_flight = FuturesUnordered::new();
        let mut returned = HashSet::new();
        loop {
            let has_room = in_flight.len() < IN_FLIGHT_MAX && health.is_up();
            tokio::select! {
                biased;
                Some(settled) = in_flight.next() => settle(settled, &mut returned)?,
                // Who waits has seen it too, and waits no more. What is written to a connection
                // that is blocked would pile up in memory.
                _ = states.changed() => if !health.is_up() { in_flight.clear() },
                Some(hint) = self.outgoing.recv(), if has_room => {
                    if !hint.answer.is_closed() {
                        in_flight.push(send(channel.clone(), hint));
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Role for Publication {
    fn name(&self) -> &'static str {
        "assay hints"
    }

    async fn serve(&mut self, connection: &Connection, health: &Health) -> LinkError {
        let Err(error) = self.run(connection, health).await;
        error
    }
}

async fn send(channel: Channel, outgoing: Outgoing) -> Settled {
    let Outgoing { hint, answer } = outgoing;
    let message_id = ShortString::from(Uuid::now_v7().to_string());
    let span = sending(&hint, message_id.as_str());
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_headers(wire::headers(context::of(&span).or(hint.trace)))
        .with_message_id(message_id.clone());
    let payload = serde_json::to_vec(&HintMessage::new(hint)).unwrap_or_default();
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let publishing = async {
        let queue = topology::HINTS.into();
        channel.basic_publish("".into(), queue, options, &payload, properties).await?.await
    };
    let confirmation = match timeout(CONFIRM_MAX, publishing.instrument(span.clone())).await {
        Ok(confirmation) => confirmation.map_err(LinkError::from),
        Err(_elapsed) => Err(LinkError::Silent(CONFIRM_MAX)),
    };
    match &confirmation {
        Ok(Confirmation::Ack(_) | Confirmation::NotRequested) => {}
        Ok(Confirmation::Nack(_)) => spans::failed(&span, "full"),
        Err(_) => spans::failed(&span, "unconfirmed"),
    }
    Settled { message_id, answer, confirmation }
}

/// The sending of a hint, in the trace of its job.
fn sending(hint: &Hint, message_id: &str) -> Span {
    match &hint.trace {
        Some(trace) => spans::send_hint(topology::HINTS, message_id, hint.job_id, trace),
        None => Span::none(),
    }
}

/// Tells the publisher of a hint. An error means that the connection is of no more use.
///
/// lapin gives a returned message to whichever confirm comes next, so it is matched by its id. The
/// broker returns a message before it confirms it, and the confirms come in the order in which
/// they were resolved: what a confirm brought for another hint is known before that one's.
fn settle(settled: Settled, returned: &mut HashSet<ShortString>) -> Result<(), LinkError> {
    let Settled { message_id, answer, confirmation } = settled;
    let (told, verdict) = match confirmation {
        Ok(Confirmation::Ack(message)) => {
            let id = message.and_then(|message| message.delivery.properties.message_id().clone());
            returned.extend(id);
            if returned.remove(&message_id) {
                (Err(Unsent::Returned), Err(LinkError::Returned))
            } else {
                (Ok(()), Ok(()))
            }
        }
        Ok(Confirmation::Nack(_)) => (Err(Unsent::Full), Ok(())),
        Ok(Confirmation::NotRequested) => (Err(Unsent::Unconfirmed), Ok(())),
        Err(LinkError::Broker(error)) => {
            (Err(Unsent::Broker(error.clone())), Err(LinkError::Broker(error)))
        }
        Err(error) => (Err(Unsent::Unconfirmed), Err(error)),
    };
    // Whoever asked may have left.
    let _ = answer.send(told);
    verdict
}

#[cfg(test)]
mod tests {
    use lapin::message::{BasicReturnMessage, Delivery};

    use super::*;

    type Answer = oneshot::Receiver<Result<(), Unsent>>;

    fn settled(id: &str, confirmation: Confirmation) -> (Settled, Answer) {
        let (answer, answered) = oneshot::channel();
        let confirmation = Ok(confirmation);
        (Settled { message_id: id.into(), answer, confirmation }, answered)
    }

    fn return_of(id: &str) -> Option<BasicReturnMessage> {
        let mut delivery = Delivery::mock(1, "".into(), topology::HINTS.into(), false, Vec::new());
        delivery.properties = BasicProperties::default().with_message_id(id.into());
        let (reply_code, reply_text) = (312, "NO_ROUTE".into());
        Some(BasicReturnMessage { delivery, reply_code, reply_text })
    }

    #[test]
    fn a_return_that_comes_with_another_hints_confirm_is_told_to_its_own() {
        let mut returned = HashSet::new();
        let (taken, mut told_taken) = settled("a", Confirmation::Ack(return_of("b")));
        assert!(settle(taken, &mut returned).is_ok());
        assert!(matches!(told_taken.try_recv(), Ok(Ok(()))));
        let (lost, mut told_lost) = settled("b", Confirmation::Ack(None));
        assert!(matches!(settle(lost, &mut returned), Err(LinkError::Returned)));
        assert!(matches!(told_lost.try_recv(), Ok(Err(Unsent::Returned))));
    }

    #[test]
    fn a_hint_that_the_queue_refuses_finds_it_full() {
        let (refused, mut told) = settled("a", Confirmation::Nack(None));
        assert!(settle(refused, &mut HashSet::new()).is_ok());
        assert!(matches!(told.try_recv(), Ok(Err(Unsent::Full))));
    }
}
