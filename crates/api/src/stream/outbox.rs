//! What is on its way to a WebSocket client, bounded in bytes and time.
//!
//! `actix_ws` queues 32 messages of any size, and its body takes all of them at once. The outbox
//! counts bytes: room is taken when a message is queued and given back when the connection takes
//! it from the body, so at most [`limits::STREAM_BUFFER_BYTES_MAX`] wait in between.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use actix_ws::{CloseReason, Closed, Session};
use contracts::limits;
use tokio::sync::Semaphore;

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The connection is gone.
    Gone,
    /// The reader took no byte for the whole stall time.
    Stalled,
}

impl From<Closed> for SendError {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

/// The way to a client.
pub(crate) struct Outbox {
    session: Session,
    room: Arc<Semaphore>,
    taken: Arc<AtomicU64>,
    stall: Duration,
}

impl Outbox {
    /// The outbox of this session, and the session's response, which gives back the room.
    pub(crate) fn new(
        session: Session,
        response: HttpResponse,
        stall: Duration,
    ) -> (Self, HttpResponse) {
        let room = Arc::new(Semaphore::new(limits::STREAM_BUFFER_BYTES_MAX));
        let taken = Arc::new(AtomicU64::new(0));
        let meters = (Arc::clone(&room), Arc::clone(&taken));
        let response = response.map_body(|_, body| {
            let (room, taken) = meters;
            BoxBody::new(Metered { body, room, taken })
        });
        (Self { session, room, taken, stall }, response)
    }

    pub(crate) async fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.take_room(text.len()).await?;
        self.in_time(Self::queue_text(self.session.clone(), text.to_owned())).await
    }

    pub(crate) async fn ping(&mut self) -> Result<(), SendError> {
        self.take_room(0).await?;
        let mut session = self.session.clone();
        self.in_time(async move { session.ping(b"").await }).await
    }

    pub(crate) async fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.take_room(payload.len()).await?;
        let mut session = self.session.clone();
        self.in_time(async move { session.pong(payload).await }).await
    }

    /// Sends the last frame. It needs no room: a reader that was cut because there is none is told.
    pub(crate) async fn close(self, reason: CloseReason) {
        let session = self.session.clone();
        if self.in_time(session.close(Some(reason))).await.is_err() {
            tracing::debug!("a stream ended without a close frame");
        }
    }

    async fn queue_text(mut session: Session, text: String) -> Result<(), Closed> {
        session.text(text).await
    }

    /// Waits for as long as the reader takes anything at all: one that is slow is served at its
    /// pace, though a large message needs longer than the stall time to find room.
    async fn take_room(&self, payload_bytes: usize) -> Result<(), SendError> {
        let bytes = frame_bytes(payload_bytes).min(limits::STREAM_BUFFER_BYTES_MAX) as u32;
        let mut room = std::pin::pin!(self.room.acquire_many(bytes));
        loop {
            let taken = self.taken.load(Ordering::Relaxed);
            match tokio::time::timeout(self.stall, &mut room).await {
                Ok(Ok(permits)) => {
                    permits.forget();
                    return Ok(());
                }
                Ok(Err(_)) => return Err(SendError::Gone),
                Err(_) if self.taken.load(Ordering::Relaxed) != taken => {}
                Err(_) => return Err(SendError::Stalled),
            }
        }
    }

    async fn in_time(
        &self,
        sending: impl Future<Output = Result<(), Closed>>,
    ) -> Result<(), SendError> {
        match tokio::time::timeout(self.stall, sending).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(SendError::Stalled),
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

/// A session's body that gives back the room of what was taken from it.
struct Metered {
    body: BoxBody,
    room: Arc<Semaphore>,
    /// Bytes that the connection took so far.
    taken: Arc<AtomicU64>,
}

impl MessageBody for Metered {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.room.add_permits(bytes.len());
            self.taken.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        next
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.room.close();
    }
}
