//! Room for what is on its way to a reader, bounded in bytes, messages and time.
//!
//! What sends a stream takes room for each message before it queues it. The connection takes the
//! body in pieces, when its own buffer has been written to the kernel, and each piece gives its
//! room back. So the room is also what tells a slow reader from a stalled one: as long as pieces
//! are taken, however small and seldom, there is nobody to cut. The time of a stall runs from the
//! last piece that was taken while there was more, whether or not there is room left: the kernel
//! keeps a time of its own, and what it ends is told nothing.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use contracts::limits;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Bytes that wait for the connection: the largest event, and the frame around it.
const BYTES_MAX: usize = limits::EVENT_BYTES_MAX + 1024;
/// Messages that wait for the connection.
pub(super) const MESSAGES_MAX: usize = 30;
/// What the connection takes at once. Its buffer grows by so much over its watermark.
const PIECE_BYTES: usize = 4 * 1024;
/// The size up to which the connection's buffer is filled before it is written to the kernel.
pub(crate) const CONNECTION_BUFFER_BYTES: usize = 8 * 1024;

// All that waits in the gateway for one reader, the half that the follower holds included.
const _: () = assert!(
    limits::STREAM_BUFFER_BYTES_MAX / 2 + BYTES_MAX + CONNECTION_BUFFER_BYTES + PIECE_BYTES
        <= limits::STREAM_BUFFER_BYTES_MAX
);

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The connection is gone.
    Gone,
    /// The reader took no byte for the whole stall time.
    Stalled,
}

/// The room of one stream.
pub(super) struct Room {
    content: Mutex<Content>,
    given_back: Notify,
    stall: Duration,
}

#[derive(Default)]
struct Content {
    bytes: usize,
    messages: usize,
    /// Since when nothing was taken of what waits, if anything does.
    untouched_since: Option<Instant>,
    is_gone: bool,
}

impl Room {
    /// Room for a reader that is cut once it has taken nothing for `stall`.
    pub(super) fn new(stall: Duration) -> Arc<Self> {
        Arc::new(Self { content: Mutex::default(), given_back: Notify::new(), stall })
    }

    /// Waits until there is room for a message of so many bytes, and takes it. A message larger
    /// than all of the room waits until there is nothing else.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    pub(super) async fn take(&self, bytes: usize) -> Result<(), SendError> {
        loop {
            let due = {
                let mut content = self.lock();
                if content.is_gone {
                    return Err(SendError::Gone);
                }
                if content.try_take(bytes) {
                    return Ok(());
                }
                content.untouched_since.unwrap_or_else(Instant::now) + self.stall
            };
            if due <= Instant::now() {
                return Err(SendError::Stalled);
            }
            // Whether something was taken in the end is seen above.
            let _ = timeout_at(due, self.given_back.notified()).await;
        }
    }

    /// Waits until the reader has taken nothing for too long. While there is nothing to take that
    /// is never: only who asks here can change it.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(super) async fn stalled(&self) {
        loop {
            let since = self.lock().untouched_since;
            match since.map(|since| since + self.stall) {
                None => std::future::pending().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => sleep_until(due).await,
            }
        }
    }

    /// The connection has taken all messages, and will take their bytes in pieces.
    fn is_drained(&self) {
        self.lock().messages = 0;
    }

    fn give_back(&self, bytes: usize) {
        let mut content = self.lock();
        // The last frame of a stream took no room.
        content.bytes = content.bytes.saturating_sub(bytes);
        content.untouched_since = (content.bytes > 0).then(Instant::now);
        drop(content);
        self.given_back.notify_one();
    }

    fn leave(&self) {
        self.lock().is_gone = true;
        self.given_back.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn try_take(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes == 0 || self.bytes + bytes <= BYTES_MAX;
        let takes = has_room && self.messages < MESSAGES_MAX;
        if takes {
            self.untouched_since.get_or_insert_with(Instant::now);
            self.bytes += bytes;
            self.messages += 1;
        }
        takes
    }
}

/// A body whose every chunk is all that was queued. It is handed on in pieces, each of which gives
/// its room back.
pub(super) struct Metered<B> {
    queued: B,
    rest: Bytes,
    room: Arc<Room>,
}

impl<B> Metered<B> {
    pub(super) fn new(queued: B, room: Arc<Room>) -> Self {
        Self { queued, rest: Bytes::new(), room }
    }
}

impl<B: MessageBody + Unpin> MessageBody for Metered<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.queued.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.rest.is_empty() {
            match Pin::new(&mut self.queued).poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => {
                    self.room.is_drained();
                    self.rest = bytes;
                }
                other @ (Poll::Ready(None | Some(Err(_))) | Poll::Pending) => return other,
            }
        }
        let piece_bytes = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(piece_bytes);
        self.room.give_back(piece.len());
        Poll::Ready(Some(Ok(piece)))
    }
}

impl<B> Drop for Metered<B> {
    fn drop(&mut self) {
        self.room.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body;
    use tokio::time::Instant;

    const STALL: Duration = Duration::from_secs(30);

    fn next<B: MessageBody + Unpin>(body: &mut Metered<B>) -> Option<Bytes> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_next(&mut context) {
            Poll::Ready(Some(Ok(bytes))) => Some(bytes),
            Poll::Ready(None | Some(Err(_))) | Poll::Pending => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_a_piece_now_and_then_is_not_cut() {
        let room = Room::new(STALL);
        room.take(BYTES_MAX).await.unwrap();
        let mut body = Metered::new(Bytes::from(vec![0; BYTES_MAX]), Arc::clone(&room));
        let reader = async {
            for _ in 0..BYTES_MAX.div_ceil(PIECE_BYTES) {
                tokio::time::sleep(STALL - Duration::from_secs(1)).await;
                assert!(next(&mut body).unwrap().len() <= PIECE_BYTES);
            }
        };
        let began = Instant::now();
        let (taken, ()) = tokio::join!(room.take(BYTES_MAX), reader);
        assert_eq!(taken, Ok(()));
        assert!(began.elapsed() > STALL * 3, "the message waited for all of the one before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut() {
        let room = Room::new(STALL);
        room.take(BYTES_MAX).await.unwrap();
        let began = Instant::now();
        assert_eq!(room.take(1).await, Err(SendError::Stalled));
        assert_eq!(began.elapsed(), STALL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_cut_for_what_it_leaves_though_there_is_room_for_more() {
        let room = Room::new(STALL);
        room.take(10).await.unwrap();
        let mut body = Metered::new(Bytes::from_static(b"0123456789"), Arc::clone(&room));
        let began = Instant::now();
        room.stalled().await;
        assert_eq!(began.elapsed(), STALL);
        assert!(next(&mut body).is_some());
        let nothing_left = tokio::time::timeout(STALL * 10, room.stalled()).await;
        assert!(nothing_left.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn small_messages_are_bounded_in_number() {
        let room = Room::new(STALL);
        for _ in 0..MESSAGES_MAX {
            room.take(3).await.unwrap();
        }
        assert_eq!(room.take(3).await, Err(SendError::Stalled));
        let mut body = Metered::new(Bytes::from_static(b"all"), Arc::clone(&room));
        assert!(next(&mut body).is_some());
        room.take(3).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_is_gone_is_told_to_whoever_waits() {
        let room = Room::new(STALL);
        room.take(BYTES_MAX).await.unwrap();
        let body = Metered::new(body::None::new(), Arc::clone(&room));
        let (taken, ()) = tokio::join!(room.take(1), async { drop(body) });
        assert_eq!(taken, Err(SendError::Gone));
        assert_eq!(room.take(1).await, Err(SendError::Gone));
    }
}
