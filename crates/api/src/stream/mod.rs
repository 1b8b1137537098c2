//! A job's log as a stream: what SSE and WebSocket have in common.

pub(crate) mod close;
mod feed;
mod message_limit;
mod outbox;
mod room;
pub(crate) mod sse;
pub(crate) mod websocket;

use std::time::Duration;

pub(crate) use self::room::CONNECTION_BUFFER_BYTES;

/// The times that streams keep.
#[derive(Debug, Clone, Copy)]
pub struct StreamTimes {
    /// Between two comments on an event stream.
    pub comment_interval: Duration,
    /// Between two pings on a WebSocket.
    pub ping_interval: Duration,
    /// A WebSocket peer that sends nothing for so long, no pong either, is gone.
    pub silence: Duration,
    /// A reader that takes no byte for so long is cut.
    pub stall: Duration,
}

impl StreamTimes {
    /// A connection whose peer takes no byte for so long is ended by the kernel: later than
    /// [`StreamTimes::stall`], so that a reader which comes back in between is told why it was
    /// cut.
    pub const CONNECTION_STALL: Duration = Duration::from_secs(60);
}

impl Default for StreamTimes {
    fn default() -> Self {
        Self {
            comment_interval: Duration::from_secs(15),
            ping_interval: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            stall: Duration::from_secs(30),
        }
    }
}
