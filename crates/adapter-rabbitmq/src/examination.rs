//! Looking at a broker from outside, without using it: for whoever wonders what is wrong.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::protocol::AMQPSoftError;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, Error};
use tokio::time::{Instant, sleep};

use crate::link::{LinkError, close, connect, in_time, is_soft};
use crate::settings::Settings;
use crate::topology::{HINTS, hints_arguments};

/// What a broker with an alarm takes to say so, once something is published.
const ALARM_MAX: Duration = Duration::from_millis(500);
const ALARM_INTERVAL: Duration = Duration::from_millis(20);

/// What a broker says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// The queue of hints; `None` if no process has made it yet.
    pub hints: Option<HintsQueue>,
    /// Whether it takes nothing, for want of memory or disk.
    pub is_blocked: bool,
}

/// The queue of hints, as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintsQueue {
    /// Hints that wait.
    pub messages: u32,
    /// Workers that take them.
    pub consumers: u32,
    /// Whether it is a quorum queue, as this release would make it.
    pub is_quorum: bool,
}

/// Why a broker could not be examined.
#[derive(Debug, thiserror::Error)]
#[error("the broker cannot be reached, or does not let us in")]
pub struct ExamineError(#[source] LinkError);

/// Connects once, and changes nothing: what is published to find an alarm goes nowhere.
///
/// # Errors
/// [`ExamineError`].
pub async fn examine(settings: &Settings) -> Result<Examined, ExamineError> {
    let connection = connect(&settings.uri, "assay doctor").await.map_err(ExamineError)?;
    let examined = look(&connection, settings.hints_max).await.map_err(ExamineError);
    close(&connection).await;
    examined
}

async fn look(connection: &Connection, hints_max: u32) -> Result<Examined, LinkError> {
    let hints = in_time(hints(connection, hints_max)).await?;
    let is_blocked = is_blocked(connection).await?;
    Ok(Examined { hints, is_blocked })
}

async fn hints(connection: &Connection, hints_max: u32) -> Result<Option<HintsQueue>, Error> {
    let channel = connection.create_channel().await?;
    let looked = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = match channel.queue_declare(HINTS.into(), looked, FieldTable::default()).await {
        Ok(queue) => queue,
        Err(error) if is_soft(&error, AMQPSoftError::NOTFOUND) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (messages, consumers) = (queue.message_count(), queue.consumer_count());
    // What is there stays as it is; the broker says where it differs from what is asked.
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let arguments = hints_arguments(hints_max);
    let is_quorum = match channel.queue_declare(HINTS.into(), durable, arguments).await {
        Ok(_) => true,
        Err(error) if is_soft(&error, AMQPSoftError::PRECONDITIONFAILED) => {
            !error.to_string().contains("x-queue-type")
        }
        Err(error) => return Err(error),
    };
    Ok(Some(HintsQueue { messages, consumers, is_quorum }))
}

/// A broker with an alarm says so to whoever publishes. The message has no queue to go to.
async fn is_blocked(connection: &Connection) -> Result<bool, LinkError> {
    let channel = in_time(connection.create_channel()).await?;
    let (options, nothing) = (BasicPublishOptions::default(), BasicProperties::default());
    let nowhere = "assay.doctor.nowhere".into();
    in_time(channel.basic_publish("".into(), nowhere, options, b"", nothing)).await?;
    let patience = Instant::now() + ALARM_MAX;
    while Instant::now() < patience {
        if connection.status().blocked() {
            return Ok(true);
        }
        sleep(ALARM_INTERVAL).await;
    }
    Ok(false)
}
