//! One connection, kept up.
//!
//! lapin can recover connections itself; it is off here. What is lost with a connection
//! (unsettled deliveries, confirms, the server's queues) is simplest to reason about if all of it
//! goes at once, and a soft error needs code of ours in any case.

use std::time::Duration;

use async_trait::async_trait;
use engine::ErrorClass;
use engine::retry::{RetryPolicy, Verdict};
use futures_util::{Stream, StreamExt as _};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind, Event};
use telemetry::metrics::{Observation, messages};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// What connecting, declaring and the like may take, each.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// What saying goodbye may take. A broker that does not answer finds out from the socket.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Short, because a broker that is back is to be used within seconds, and jittered, because all
/// processes lose it at the same moment.
const RECONNECT: RetryPolicy = RetryPolicy {
    initial: Duration::from_millis(100),
    multiplier: 2.0,
    max: Duration::from_secs(1),
};

/// A connection that lasted this long was a good one: its loss is a first failure again.
const STEADY: Duration = Duration::from_secs(5);

/// What a connection is for.
#[async_trait]
pub(crate) trait Role: Send {
    /// The connection's name, as the broker shows it.
    fn name(&self) -> &'static str;

    /// Declares what it needs, says [`Health::up`], and works until an error ends it.
    ///
    /// # Cancel safety
    /// Dropped when the connection breaks, at any point.
    async fn serve(&mut self, connection: &Connection, health: &Health) -> LinkError;
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the broker failed")]
    Broker(#[from] lapin::Error),
    #[error("the broker did not answer within {0:?}")]
    Silent(Duration),
    #[error("a message was returned: its queue is gone")]
    Returned,
    #[error("the broker cancelled a consumer")]
    Cancelled,
    #[error("the queue is dead, and another connection replaces it")]
    Replaced,
}

/// Whether a link is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// There is no connection.
    Down {
        since: Instant,
    },
    /// The broker takes nothing on the connection for now.
    Blocked {
        since: Instant,
    },
    Up,
}

/// The state of a link, told to whoever watches.
#[derive(Debug, Clone)]
pub(crate) struct Health(watch::Sender<State>);

impl Health {
    /// Down until the link is up for the first time.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Down { since: Instant::now() }))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }

    /// Shows whether the link is of use, as one that is for this.
    pub(crate) fn show(&self, purpose: messages::Connection) -> Observation {
        let health = self.clone();
        messages::observe_connection(purpose, move || health.is_up())
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.0.borrow() == State::Up
    }

    /// How long the link has been of no use; `None` if it is of use.
    pub(crate) fn outage(&self) -> Option<Duration> {
        match *self.0.borrow() {
            State::Up => None,
            State::Down { since } | State::Blocked { since } => Some(since.elapsed()),
        }
    }

    /// The connection is there, with everything declared.
    pub(crate) fn up(&self) {
        self.0.send_replace(State::Up);
    }

    fn down(&self) {
        self.0.send_modify(|state| *state = State::Down { since: state.since() });
    }

    /// Only what was up is blocked, so that the end of a block finds everything declared.
    fn blocked(&self) {
        self.0.send_if_modified(|state| {
            let was_up = *state == State::Up;
            if was_up {
                *state = State::Blocked { since: Instant::now() };
            }
            was_up
        });
    }

    fn unblocked(&self) {
        self.0.send_if_modified(|state| {
            let was_blocked = matches!(state, State::Blocked { .. });
            if was_blocked {
                *state = State::Up;
            }
            was_blocked
        });
    }
}

impl State {
    /// Since when the link is of no use: an outage goes on through its changes.
    fn since(self) -> Instant {
        match self {
            Self::Down { since } | Self::Blocked { since } => since,
            Self::Up => Instant::now(),
        }
    }
}

/// Keeps a connection up for `role` until `stop`.
pub(crate) async fn keep_up(
    mut role: impl Role,
    uri: AMQPUri,
    health: Health,
    stop: CancellationToken,
) {
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        let error = tokio::select! {
            () = stop.cancelled() => break,
            error = session(&mut role, &uri, &health) => error,
        };
        health.down();
        failures = if begun.elapsed() >= STEADY { 0 } else { failures + 1 };
        let delay = delay(failures);
        tracing::warn!(
            link = role.name(),
            error = &error as &dyn std::error::Error,
            "the broker is lost; connecting again in {delay:?}"
        );
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(delay) => {}
        }
    }
    health.down();
}

fn delay(failures: u32) -> Duration {
    let transient = ErrorClass::Transient { retry_after: None };
    match RECONNECT.verdict(failures, transient, rand::random()) {
        Verdict::RetryAfter(delay) => delay,
        Verdict::WaitFor(_) | Verdict::GiveUp => RECONNECT.max,
    }
}

/// One connection from beginning to end: why it ended.
async fn session(role: &mut impl Role, uri: &AMQPUri, health: &Health) -> LinkError {
    let connection = match connect(uri, role.name()).await {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    // The one listener of this connection: two would share the events between them.
    let events = connection.events_listener();
    let error = tokio::select! {
        error = role.serve(&connection, health) => error,
        error = listen(events, health) => error,
    };
    close(&connection).await;
    error
}

/// A connection that the broker shows under `name`.
pub(crate) async fn connect(uri: &AMQPUri, name: &str) -> Result<Connection, LinkError> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    in_time(Connection::connect_uri(uri.clone(), properties)).await
}

/// Says goodbye, if the broker listens.
pub(crate) async fn close(connection: &Connection) {
    let _ = timeout(CLOSE_MAX, connection.close(200, "OK".into())).await;
}

/// Follows the events of a connection until one ends it.
async fn listen(events: impl Stream<Item = Event>, health: &Health) -> LinkError {
    let mut events = std::pin::pin!(events);
    loop {
        match events.next().await {
            Some(Event::ConnectionBlocked(reason)) => {
                tracing::warn!(reason, "the broker blocks a connection");
                health.blocked();
            }
            Some(Event::ConnectionUnblocked) => health.unblocked(),
            // Until the link is up, an error of a channel is an answer that the role reads itself.
            Some(Event::Error(error)) if health.is_up() || !error.is_amqp_soft_error() => {
                return error.into();
            }
            Some(_) => {}
            // The listener outlives nothing: the connection is gone.
            None => return LinkError::Silent(Duration::ZERO),
        }
    }
}

/// The answer to a request to the broker, if it comes in time.
pub(crate) async fn in_time<T>(
    request: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, LinkError> {
    match timeout(CONNECT_MAX, request).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(LinkError::Silent(CONNECT_MAX)),
    }
}

/// Whether the broker refused a request so, and closed no more than its channel.
pub(crate) fn is_soft(error: &lapin::Error, refusal: AMQPSoftError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ProtocolError(error) if *error.kind() == AMQPErrorKind::Soft(refusal)
    )
}
