use std::fmt;

use lapin::uri::AMQPUri;

/// Seconds without a sign of life after which a connection is given up, unless the URL says
/// otherwise. The broker's own default is a minute.
const HEARTBEAT_S: u16 = 10;
/// Hints in the work queue, unless told otherwise: some windows' worth.
const HINTS_MAX: u32 = 4_096;
/// Deliveries that wait in a process for a receiver, unless told otherwise.
const PREFETCH: u16 = 16;

/// Where the broker is, and how it is used.
#[derive(Clone)]
pub struct Settings {
    pub(crate) uri: AMQPUri,
    /// The number of hints that the work queue holds at the most. It counts where the queue is
    /// made; a queue that is there keeps its own.
    pub hints_max: u32,
    /// The number of deliveries that this process holds unsettled at the most; at least 1.
    pub prefetch: u16,
}

/// A URL that names no broker. It is not repeated, because it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a URL of the form amqp(s)://user:password@host:port/virtual-host: {0}")]
pub struct InvalidUrl(String);

impl Settings {
    /// The broker at `url`, such as `amqp://user:password@host:5672/virtual-host`.
    ///
    /// # Errors
    /// [`InvalidUrl`].
    pub fn for_url(url: &str) -> Result<Self, InvalidUrl> {
        let mut uri: AMQPUri = url.parse().map_err(InvalidUrl)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self { uri, hints_max: HINTS_MAX, prefetch: PREFETCH })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.uri.authority.host)
            .field("port", &self.uri.authority.port)
            .field("vhost", &self.uri.vhost)
            .field("hints_max", &self.hints_max)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
    }
}
