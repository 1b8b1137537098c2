//! The server: from a listener to a drained end.

use std::any::Any;
use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use engine::services::Jobs;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cors::Origins;
use crate::edge::edge;
use crate::routes;
use crate::state::State;
use crate::stream::{CONNECTION_BUFFER_BYTES, StreamTimes};

/// Idle connections are kept longer than the 60 s of common load balancers, so that it is never
/// the server that closes a connection just as a request arrives on it.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The time a client has to send the head of a request.
const REQUEST_HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection is read on after a refusal, so that the client reads the refusal before
/// it notices that the rest of its body is not wanted.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes that wait in the kernel, unsent, before a connection takes no more.
const UNSENT_BYTES_MAX: u32 = 16 * 1024;
/// The time that the server's threads have to end after the server.
const THREADS_TIME: Duration = Duration::from_secs(5);

/// What a gateway answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// Every call.
    Everything,
    /// Whether the process lives, whether it is ready, and what it measures.
    Health,
}

/// Gives the text of all that a process measures.
#[derive(Clone)]
pub struct Exposition(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl Exposition {
    /// The text that `read` gives whenever it is asked for; `None` where nothing is shown.
    pub fn new(read: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn text(&self) -> Option<String> {
        (self.0)()
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

/// How a gateway behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What it answers.
    pub surface: Surface,
    /// What is at `/metrics`, of a surface that has it.
    pub exposition: Exposition,
    /// The web origins that may use it.
    pub origins: Origins,
    /// The times that streams keep.
    pub times: StreamTimes,
    /// What makes it not ready before its own shutdown does, if it outlives what it tells of.
    pub draining: Option<CancellationToken>,
    /// Threads that serve connections; one per processor if `None`.
    pub threads: Option<usize>,
    /// From the shutdown token to closing the listener. Requests are served meanwhile, while
    /// load balancers notice that the gateway is not ready.
    pub drain_delay: Duration,
    /// The time that requests in flight have to finish, in whole seconds, rounded up.
    pub drain_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            surface: Surface::Everything,
            exposition: Exposition::new(|| None),
            origins: Origins::same(),
            times: StreamTimes::default(),
            draining: None,
            threads: None,
            drain_delay: Duration::ZERO,
            drain_time: Duration::from_secs(20),
        }
    }
}

/// Why a gateway does not serve.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The listener cannot be served.
    #[error("the gateway cannot listen")]
    Listen(#[source] std::io::Error),
    /// The server broke down.
    #[error("the gateway's server failed")]
    Serve(#[source] std::io::Error),
}

/// The gateway.
pub struct Gateway {
    jobs: Jobs,
    settings: Settings,
}

impl Gateway {
    /// A gateway to these use cases.
    #[must_use]
    pub fn new(jobs: Jobs, settings: Settings) -> Self {
        Self { jobs, settings }
    }

    /// Serves on `listener` until `shutdown` fires, then drains: it is not ready any more, streams
    /// are closed with their cursors, waits are answered at once, requests in flight finish within
    /// [`Settings::drain_time`], use cases that change state run to their end within as much again.
    /// Once it has returned, nothing of it holds the use cases and their ports any more.
    ///
    /// Must be called on a tokio runtime, which outlives the gateway.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), GatewayError> {
        let Self { jobs, settings } = self;
        let (tasks, drain_time) = (TaskTracker::new(), settings.drain_time);
        let (alive, mut all_gone) = mpsc::channel(1);
        let state = State {
            jobs,
            origins: settings.origins.clone(),
            times: settings.times,
            exposition: settings.exposition.clone(),
            clock: Arc::default(),
            draining: settings.draining.clone().unwrap_or_else(|| shutdown.clone()),
            tasks: tasks.clone(),
            runtime: Handle::current(),
            _alive: alive,
        };
        let served =
            server(state, &settings, (listener, shutdown))?.await.map_err(GatewayError::Serve);
        tasks.close();
        if tokio::time::timeout(drain_time, tasks.wait()).await.is_err() {
            tracing::warn!(tasks = tasks.len(), "requests did not finish while draining");
        }
        // The server's threads end a little later than the server.
        if tokio::time::timeout(THREADS_TIME, all_gone.recv()).await.is_err() {
            tracing::warn!("a thread of the gateway did not end");
        }
        served
    }
}

/// The web server on this listener, until the token fires; it serves while it is polled.
fn server(
    state: State,
    settings: &Settings,
    (listener, shutdown): (TcpListener, CancellationToken),
) -> Result<Server, GatewayError> {
    let configure = match settings.surface {
        Surface::Everything => routes::configure,
        Surface::Health => routes::configure_admin,
    };
    let drain_delay = settings.drain_delay;
    let mut server = HttpServer::new(move || {
        App::new().app_data(Data::new(state.clone())).wrap(from_fn(edge)).configure(configure)
    })
    // Streams write small pieces: Nagle's algorithm would hold each back until the reader has
    // acknowledged the one before, up to 40 ms.
    .tcp_nodelay(true)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(REQUEST_HEAD_TIME)
    .client_disconnect_timeout(LINGER)
    // A client that closes its side has left: its stream must not wait for the next ping.
    .h1_allow_half_closed(false)
    // What a slow reader has not taken waits where it is counted, not here.
    .h1_write_buffer_size(CONNECTION_BUFFER_BYTES)
    .on_connect(bound_slow_readers)
    .shutdown_signal(async move {
        shutdown.cancelled().await;
        tokio::time::sleep(drain_delay).await;
    })
    .shutdown_timeout(whole_seconds(settings.drain_time));
    if let Some(threads) = settings.threads {
        server = server.workers(threads);
    }
    Ok(server.listen(listener).map_err(GatewayError::Listen)?.run())
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Has the kernel bound what a peer that takes nothing costs, in time and in memory.
///
/// A connection whose peer takes no byte for [`StreamTimes::CONNECTION_STALL`] is ended: while the
/// peer's window is closed the web server waits for it without a limit of its own. And the kernel
/// holds at most [`UNSENT_BYTES_MAX`] and what was written at once, where it would let some
/// megabytes wait. That bounds what is unsent, not what is on its way: a reader far away is sent as
/// much at once as ever, which a smaller buffer (`SO_SNDBUF`) would forbid.
///
/// Where there are no such options, a stalled connection ends with the peer's own.
fn bound_slow_readers(connection: &dyn Any, _: &mut Extensions) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        let limited = socket.set_tcp_user_timeout(Some(StreamTimes::CONNECTION_STALL));
        if let Err(error) = limited.and(socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection has no limits on what its peer does not take"
            );
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}
