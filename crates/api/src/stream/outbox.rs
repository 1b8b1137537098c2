//! What is on its way to a WebSocket client.
//!
//! `actix_ws` queues 32 messages of any size, and its body takes all of them at once. So room is
//! taken before a message is queued (see [`super::room`]), and a message never waits in the
//! session: there is a place for the close frame, too, however little the reader takes.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_ws::{CloseReason, Closed, Session};

use super::room::{Metered, Room, SendError};

impl From<Closed> for SendError {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

/// The way to a client.
pub(crate) struct Outbox {
    session: Session,
    room: Arc<Room>,
}

impl Outbox {
    /// The outbox of this session, and the session's response, which gives back the room. A reader
    /// that takes nothing for `stall` is [`SendError::Stalled`].
    pub(crate) fn new(
        session: Session,
        response: HttpResponse,
        stall: Duration,
    ) -> (Self, HttpResponse) {
        let room = Room::new(stall);
        let metered = Arc::clone(&room);
        let response = response.map_body(|_, body| BoxBody::new(Metered::new(body, metered)));
        (Self { session, room }, response)
    }

    pub(crate) async fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.room.take(frame_bytes(text.len())).await?;
        Ok(self.session.text(text).await?)
    }

    pub(crate) async fn ping(&mut self) -> Result<(), SendError> {
        self.room.take(frame_bytes(0)).await?;
        Ok(self.session.ping(b"").await?)
    }

    pub(crate) async fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.room.take(frame_bytes(payload.len())).await?;
        Ok(self.session.pong(payload).await?)
    }

    /// Waits until the reader has taken nothing for too long.
    pub(crate) async fn stalled(&self) {
        self.room.stalled().await;
    }

    /// Sends the last frame. It needs no room: a reader that was cut because there is none is told
    /// when it comes back for what it has not taken yet, unless the kernel ended the connection by
    /// then.
    pub(crate) async fn close(self, reason: CloseReason) {
        if self.session.close(Some(reason)).await.is_err() {
            tracing::debug!("a stream ended without a close frame");
        }
    }
}

/// The bytes of a server's frame with this payload (RFC 6455, 5.2).
const fn frame_bytes(payload_bytes: usize) -> usize {
    payload_bytes
        + match payload_bytes {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        }
}
