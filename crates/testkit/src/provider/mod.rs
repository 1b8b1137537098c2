//! A provider of language models that does what a test asks for.
//!
//! It speaks just enough HTTP over a raw socket that an answer may also be none: one that comes
//! late, stalls, is cut, never ends or is no HTTP at all. [`Reply`] builds the answers, well-formed
//! ones of both protocols among them.
//!
//! ```no_run
//! # fn example() {
//! use testkit::provider::{Reply, ScriptedProvider};
//!
//! let provider = ScriptedProvider::start(|number, _request| match number {
//!     1 => Reply::status(429).header("retry-after", "2"),
//!     _ => Reply::openai("Net sales were $32,765 million [1]."),
//! });
//! let base_url = format!("{}/v1", provider.url());
//! # }
//! ```

mod reply;
mod request;
pub mod streams;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::loopback::ClosedPort;

pub use reply::Reply;
pub use request::Request;

/// Requests that are kept; the oldest are dropped.
const KEPT_MAX: usize = 10_000;

type Script = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// A provider on loopback. Dropping it closes its port and every connection.
pub struct ScriptedProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    script: Mutex<Arc<Script>>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    count: usize,
    requests: Vec<Request>,
}

impl ScriptedProvider {
    /// A provider on a free port, that gives each request the reply that `script` has for its
    /// number, from 1, and for what it asks.
    ///
    /// # Panics
    /// If no port of loopback can be listened on.
    pub fn start(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(ClosedPort::any(), script)
    }

    /// A provider that gives these replies in turn, the last of them for ever.
    ///
    /// # Panics
    /// If there are none.
    pub fn replying(replies: Vec<Reply>) -> Self {
        assert!(!replies.is_empty(), "a provider has something to reply");
        Self::start(move |number, _| replies[(number - 1).min(replies.len() - 1)].clone())
    }

    /// A provider at a known address: one that comes back after an outage.
    ///
    /// # Panics
    /// If the system does not let it listen.
    pub fn start_at(
        port: ClosedPort,
        script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = port.address();
        let listener = port.open().expect("a port of our own");
        let script: Arc<Script> = Arc::new(script);
        let shared = Arc::new(Shared { script: Mutex::new(script), seen: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replies like this from the next request on. The numbers go on.
    pub fn script(&self, script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) {
        *lock(&self.shared.script) = Arc::new(script);
    }

    /// How many requests came, those without a reply included.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.shared.seen).count
    }

    /// The requests that came, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.seen).requests.clone()
    }

    /// Closes the port, so that connections are refused while it is held, and cuts every
    /// connection.
    ///
    /// # Panics
    /// If somebody else takes the port in the same moment.
    pub async fn stop(mut self) -> ClosedPort {
        self.accepting.abort();
        // An aborted task is over, and has dropped its socket, once it is awaited.
        let _ = (&mut self.accepting).await;
        ClosedPort::at(self.address).expect("a port that was just closed")
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Takes connections until it is dropped, and all of them with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves a connection until one side ends it. What its client does to it is no failure.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Ok(Some(request)) = request::read(&mut stream).await {
        let number = {
            let mut seen = lock(&shared.seen);
            seen.count += 1;
            if seen.requests.len() == KEPT_MAX {
                seen.requests.remove(0);
            }
            seen.requests.push(request.clone());
            seen.count
        };
        let script = Arc::clone(&lock(&shared.script));
        let reply = script(number, &request);
        match reply.send_to(&mut stream).await {
            Ok(reply::After::Next) => {}
            Ok(reply::After::Close) | Err(_) => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
