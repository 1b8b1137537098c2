//! What this adapter declares on the broker.

mod hints;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Error, ExchangeKind};

pub(crate) use self::hints::{WorkQueue, hints_arguments};

/// The durable work queue.
pub(crate) const HINTS: &str = "assay.hints";
/// The fanout exchange.
pub(crate) const PROGRESS: &str = "assay.progress";

/// Messages that wait for one subscriber. Past that the oldest are dropped.
const NEWS_WAITING_MAX: i32 = 4_096;
/// News older than this are of no use: by then every reader has looked at the log.
const NEWS_TTL_MS: i32 = 10_000;

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
