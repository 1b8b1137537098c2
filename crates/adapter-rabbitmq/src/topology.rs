//! What this adapter declares on the broker.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Error, ErrorKind, ExchangeKind};

/// The durable work queue.
pub(crate) const HINTS: &str = "assay.hints";
/// The fanout exchange.
pub(crate) const PROGRESS: &str = "assay.progress";

/// Deliveries of one hint before the broker drops it; the refill sends it again. What goes round
/// so often is given back by every worker at once.
const DELIVERIES_MAX: i32 = 20;
/// Messages that wait for one subscriber. Past that the oldest are dropped.
const NEWS_WAITING_MAX: i32 = 4_096;
/// News older than this are of no use: by then every reader has looked at the log.
const NEWS_TTL_MS: i32 = 10_000;

/// A channel on which the work queue is known to exist.
///
/// A queue that is there is taken as it is: it may be another release's, whose limits differ, and
/// to insist on one's own would keep one of the two releases out.
pub(crate) async fn with_hints(connection: &Connection, hints_max: u32) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    let looked = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(HINTS.into(), looked, FieldTable::default()).await {
        Ok(_) => Ok(channel),
        // The broker has closed the channel with its answer.
        Err(error) if is_not_found(&error) => {
            let channel = connection.create_channel().await?;
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(HINTS.into(), durable, hints_arguments(hints_max)).await?;
            Ok(channel)
        }
        Err(error) => Err(error),
    }
}

/// A queue of this connection's own that hears what is published from now on: its name.
pub(crate) async fn with_news(channel: &Channel) -> Result<ShortString, Error> {
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), NEWS_WAITING_MAX.into());
    arguments.insert("x-message-ttl".into(), NEWS_TTL_MS.into());
    let queue = channel.queue_declare("".into(), own, arguments).await?;
    let name = queue.name().clone();
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(name.clone(), PROGRESS.into(), "".into(), options, none).await?;
    Ok(name)
}

/// A channel on which the exchange is known to exist.
pub(crate) async fn with_progress(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let none = FieldTable::default();
    channel.exchange_declare(PROGRESS.into(), ExchangeKind::Fanout, durable, none).await?;
    Ok(channel)
}

fn hints_arguments(hints_max: u32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), lapin::types::AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), DELIVERIES_MAX.into());
    // A quorum queue refuses once it is over its limit, so it takes one more.
    arguments.insert("x-max-length".into(), i64::from(hints_max.saturating_sub(1)).into());
    // Whoever publishes into a full queue is told; by default the oldest would be dropped.
    let refuse = lapin::types::AMQPValue::LongString("reject-publish".into());
    arguments.insert("x-overflow".into(), refuse);
    arguments
}

fn is_not_found(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ProtocolError(error)
            if *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)
    )
}
