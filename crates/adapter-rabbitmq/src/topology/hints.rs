//! The work queue: declared, and replaced if it is dead.

use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicNackOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, Error, ErrorKind};
use tokio::time::timeout;

use super::HINTS;
use crate::Settings;
use crate::link::{LinkError, close, connect, in_time, is_soft};

/// Exists while a connection replaces the work queue, and belongs to that connection.
const REPLACING: &str = "assay.hints.replacing";

/// Deliveries of one hint before the broker drops it; the refill sends it again. What goes round
/// so often is given back by every worker at once.
const DELIVERIES_MAX: i32 = 20;
/// What a queue that has a leader takes to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// What deleting a queue without a leader may take: the broker waits for one before it goes by
/// force.
const DELETE_MAX: Duration = Duration::from_secs(20);

/// The work queue, as one link knows it.
///
/// A queue can exist and be dead. RabbitMQ 3.10.8 notes up to a second later which quorum queues
/// there are. A single node that is killed before that starts the queue as a new member, and no
/// leader is ever elected (see rabbitmq-server#10070), or not at all; an older queue comes back
/// whole. A dead queue is deleted and made again; its hints are lost with it, and the refill sends
/// them again.
///
/// Where there is no leader this takes [`ANSWER_MAX`] twice, which a slow broker needs to show that
/// it is only slow, and the 5 s that the broker itself waits for a leader before it deletes a queue
/// by force.
pub(crate) struct WorkQueue {
    uri: AMQPUri,
    hints_max: u32,
    /// Whether it was asked, and has not answered since.
    is_silent: bool,
}

impl WorkQueue {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { uri, hints_max, .. } = settings;
        Self { uri: uri.clone(), hints_max: *hints_max, is_silent: false }
    }

    /// A channel on which the queue is known to exist, and to answer.
    ///
    /// # Errors
    /// Any; the next connection goes on where this one ended. [`LinkError::Replaced`] if somebody
    /// else is at it.
    pub(crate) async fn open(&mut self, connection: &Connection) -> Result<Channel, LinkError> {
        let channel = in_time(declared(connection, self.hints_max)).await?;
        if !self.is_silent {
            // Of a queue without a process the broker answers by closing the connection, and this
            // may never go on.
            self.is_silent = true;
            if answers(&channel).await? {
                self.is_silent = false;
                return Ok(channel);
            }
        }
        let replacing = Replacing::begin(connection).await?;
        // Whoever replaced it before has left one that answers.
        if self.is_dead().await? {
            tracing::error!(queue = HINTS, "the queue is dead; it is deleted and declared again");
            delete(connection).await?;
        }
        let channel = in_time(declared(connection, self.hints_max)).await?;
        replacing.end().await?;
        self.is_silent = false;
        Ok(channel)
    }

    /// Asks on a connection of its own, which may be closed for it.
    async fn is_dead(&self) -> Result<bool, LinkError> {
        let connection = connect(&self.uri, "assay examination").await?;
        let answer = async {
            let channel = in_time(declared(&connection, self.hints_max)).await?;
            answers(&channel).await
        };
        let answer = answer.await;
        close(&connection).await;
        match answer {
            Ok(answers) => Ok(!answers),
            Err(LinkError::Broker(error)) if is_internal(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Whether the queue answers what only its leader knows: its first message, which goes back.
async fn answers(channel: &Channel) -> Result<bool, LinkError> {
    let asking = channel.basic_get(HINTS.into(), BasicGetOptions::default());
    match timeout(ANSWER_MAX, asking).await {
        Ok(message) => {
            if let Some(message) = message? {
                let back = BasicNackOptions { multiple: false, requeue: true };
                in_time(message.delivery.acker.nack(back)).await?;
            }
            Ok(true)
        }
        Err(_elapsed) => Ok(false),
    }
}

/// Whether the broker closed the connection because something in itself failed.
fn is_internal(error: &Error) -> bool {
    let internal = AMQPErrorKind::Hard(AMQPHardError::INTERNALERROR);
    matches!(error.kind(), ErrorKind::ProtocolError(error) if *error.kind() == internal)
}

async fn delete(connection: &Connection) -> Result<(), LinkError> {
    // The other channels may still wait for their answers.
    let channel = in_time(connection.create_channel()).await?;
    let deleting = channel.queue_delete(HINTS.into(), QueueDeleteOptions::default());
    match timeout(DELETE_MAX, deleting).await {
        Ok(deleted) => {
            deleted?;
            Ok(())
        }
        Err(_elapsed) => Err(LinkError::Silent(DELETE_MAX)),
    }
}

/// The right to replace the work queue, which one connection has at a time: all processes find a
/// dead queue at the same moment, and each that deleted it would delete what another has just
/// declared, with the hints in it.
///
/// It is an exclusive queue, which no other connection can declare, and which goes with its
/// connection if it is not ended.
struct Replacing {
    channel: Channel,
}

impl Replacing {
    /// # Errors
    /// [`LinkError::Replaced`] if another connection has it.
    async fn begin(connection: &Connection) -> Result<Self, LinkError> {
        let channel = in_time(connection.create_channel()).await?;
        let own = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let declaring = channel.queue_declare(REPLACING.into(), own, FieldTable::default());
        match in_time(declaring).await {
            Ok(_) => Ok(Self { channel }),
            Err(LinkError::Broker(error)) if is_soft(&error, AMQPSoftError::RESOURCELOCKED) => {
                Err(LinkError::Replaced)
            }
            Err(error) => Err(error),
        }
    }

    async fn end(self) -> Result<(), LinkError> {
        let deleting = self.channel.queue_delete(REPLACING.into(), QueueDeleteOptions::default());
        in_time(deleting).await?;
        Ok(())
    }
}

/// A channel on which the work queue is known to exist.
///
/// A queue that is there is taken as it is: it may be another release's, whose limits differ, and
/// to insist on one's own would keep one of the two releases out.
async fn declared(connection: &Connection, hints_max: u32) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    let looked = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(HINTS.into(), looked, FieldTable::default()).await {
        Ok(_) => Ok(channel),
        // The broker has closed the channel with its answer.
        Err(error) if is_soft(&error, AMQPSoftError::NOTFOUND) => {
            let channel = connection.create_channel().await?;
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(HINTS.into(), durable, hints_arguments(hints_max)).await?;
            Ok(channel)
        }
        Err(error) => Err(error),
    }
}

pub(crate) fn hints_arguments(hints_max: u32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), DELIVERIES_MAX.into());
    // A quorum queue refuses once it is over its limit, so it takes one more.
    arguments.insert("x-max-length".into(), i64::from(hints_max.saturating_sub(1)).into());
    // Whoever publishes into a full queue is told; by default the oldest would be dropped.
    let refuse = AMQPValue::LongString("reject-publish".into());
    arguments.insert("x-overflow".into(), refuse);
    arguments
}
