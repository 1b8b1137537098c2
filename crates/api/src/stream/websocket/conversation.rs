//! A socket from its first frame to its last, whatever it is about.

use std::io::ErrorKind;
use std::sync::Arc;

use actix_web::error::PayloadError;
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, MessageStream,
    ProtocolError,
};
use contracts::StreamControl;
use tokio::time::{Instant, interval_at, sleep_until};

use super::close;
use crate::stream::StreamTimes;
use crate::stream::outbox::Outbox;
use crate::stream::room::SendError;

/// What a socket is about.
pub(super) trait Topic {
    /// Waits for what is to be said next.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Turn>;

    /// Takes a text from the client, and says what it leads to.
    fn hear(&mut self, text: &str) -> Option<Turn>;
}

/// What is said next, and whether it is the last.
#[derive(Debug)]
pub(super) enum Turn {
    /// This frame.
    Say(Arc<str>),
    /// This frame, and then the end.
    SayLast(Arc<str>, End),
    /// Nothing more.
    End(End),
}

/// How a conversation ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// With this code and its explanation.
    Close(u16, &'static str),
    /// The client closed, or is gone.
    Gone,
}

impl Turn {
    pub(super) fn say(frame: &StreamControl) -> Self {
        Self::Say(json(frame))
    }

    pub(super) fn say_last(frame: &StreamControl, end: End) -> Self {
        Self::SayLast(json(frame), end)
    }
}

impl From<SendError> for End {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Gone => Self::Gone,
            SendError::Stalled => Self::Close(close::TOO_SLOW, "too slow"),
        }
    }
}

/// Talks until there is nothing more to say, or until the client is gone, stalls or breaks a rule.
pub(super) async fn converse(
    mut outbox: Outbox,
    messages: MessageStream,
    topic: impl Topic,
    times: StreamTimes,
) {
    // Their size was limited as they arrived.
    let messages = messages.aggregate_continuations().max_continuation_size(usize::MAX);
    let end = match talk(&mut outbox, messages, topic, times).await {
        Ok(end) => end,
        Err(error) => {
            if error == SendError::Stalled {
                tracing::debug!("a slow reader was cut");
            }
            error.into()
        }
    };
    let reason = match end {
        End::Close(code, text) => {
            CloseReason { code: code.into(), description: Some(text.to_owned()) }
        }
        End::Gone => CloseReason { code: CloseCode::Normal, description: None },
    };
    outbox.close(reason).await;
}

pub(super) async fn send(outbox: &mut Outbox, frame: &StreamControl) -> Result<(), SendError> {
    outbox.text(&json(frame)).await
}

async fn talk(
    outbox: &mut Outbox,
    mut messages: AggregatedMessageStream,
    mut topic: impl Topic,
    times: StreamTimes,
) -> Result<End, SendError> {
    let mut pings = interval_at(Instant::now() + times.ping_interval, times.ping_interval);
    let mut heard = Instant::now();
    loop {
        let turn = tokio::select! {
            // What came while a slow reader was waited for counts before the silence does.
            biased;
            message = messages.recv() => {
                heard = Instant::now();
                hear(outbox, &mut topic, message).await?
            }
            // It may be back before its connection is given up: 1000 would say that the job ended.
            () = sleep_until(heard + times.silence) => {
                Some(Turn::End(End::Close(close::TOO_SLOW, "no pong")))
            }
            () = outbox.stalled() => return Err(SendError::Stalled),
            _ = pings.tick() => {
                outbox.ping().await?;
                None
            }
            turn = topic.next() => Some(turn),
        };
        match turn {
            None => {}
            Some(Turn::Say(frame)) => outbox.text(&frame).await?,
            Some(Turn::SayLast(frame, end)) => {
                outbox.text(&frame).await?;
                return Ok(end);
            }
            Some(Turn::End(end)) => return Ok(end),
        }
    }
}

/// What a client's message leads to.
async fn hear(
    outbox: &mut Outbox,
    topic: &mut impl Topic,
    message: Option<Result<AggregatedMessage, ProtocolError>>,
) -> Result<Option<Turn>, SendError> {
    let end = match message {
        Some(Ok(AggregatedMessage::Ping(payload))) => {
            outbox.pong(&payload).await?;
            return Ok(None);
        }
        Some(Ok(AggregatedMessage::Pong(_))) => return Ok(None),
        Some(Ok(AggregatedMessage::Text(text))) => return Ok(topic.hear(&text)),
        Some(Ok(AggregatedMessage::Binary(_))) => End::Close(close::BAD_FRAME, "a frame is a text"),
        Some(Err(error)) if is_too_big(&error) => {
            End::Close(close::FRAME_TOO_BIG, "the frame is too big")
        }
        Some(Err(error)) if is_broken_connection(&error) => End::Gone,
        Some(Err(_)) => End::Close(close::BAD_FRAME, "not a valid frame"),
        Some(Ok(AggregatedMessage::Close(_))) | None => End::Gone,
    };
    Ok(Some(Turn::End(end)))
}

fn is_too_big(error: &ProtocolError) -> bool {
    let ProtocolError::Io(error) = error else {
        return matches!(error, ProtocolError::Overflow);
    };
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<PayloadError>());
    matches!(cause, Some(PayloadError::Overflow))
}

/// Text that is no UTF-8 is told as an I/O error, too, of a kind of its own.
fn is_broken_connection(error: &ProtocolError) -> bool {
    matches!(error, ProtocolError::Io(error) if error.kind() != ErrorKind::InvalidData)
}

fn json(frame: &StreamControl) -> Arc<str> {
    serde_json::to_string(frame).unwrap_or_default().into()
}
