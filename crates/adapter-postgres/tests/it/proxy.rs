//! A wire between a store and its server that can be made to fail at a chosen word.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens when a word passes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The client says it, and says nothing more: neither this nor anything later arrives.
    FreezeClientAt(&'static [u8]),
    /// The server says it, and the connection is cut before the client hears it. Once.
    CutBeforeReply(&'static [u8]),
    /// The same, and from then on there is no connection, until the wire is healed.
    LoseServerAt(&'static [u8]),
    /// There is no connection.
    Lost,
    /// Every 64 KiB take this long, in either direction.
    Slow(Duration),
}

/// The wire.
#[derive(Clone)]
pub(crate) struct Proxy {
    url: String,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Proxy {
    /// A wire to the server of this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let (server, database) = url.rsplit_once('/').expect("a URL of a database");
        let (user, address) = server.rsplit_once('@').expect("a URL with a user");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let proxy =
            Self { url: format!("{user}@127.0.0.1:{port}/{database}"), fault: Arc::default() };
        tokio::spawn(proxy.clone().serve(listener, address.to_owned()));
        proxy
    }

    /// The URL of the database, over this wire.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on the wire fails like this.
    pub(crate) fn fail(&self, fault: Fault) {
        *self.lock() = Some(fault);
    }

    /// From now on the wire does not fail any more.
    pub(crate) fn heal(&self) {
        *self.lock() = None;
    }

    /// Whether the fault has happened that happens once.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().is_none()
    }

    async fn serve(self, listener: TcpListener, server: String) {
        while let Ok((client, _)) = listener.accept().await {
            if *self.lock() == Some(Fault::Lost) {
                continue;
            }
            let server = TcpStream::connect(&server).await.expect("the server is there");
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (proxy, other) = (self.clone(), self.clone());
            tokio::spawn(async move {
                // The first of the two that ends takes the connection along.
                tokio::select! {
                    () = proxy.pass(from_client, to_server, Direction::ToServer) => {}
                    () = other.pass(from_server, to_client, Direction::ToClient) => {}
                }
            });
        }
    }

    async fn pass(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        direction: Direction,
    ) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
            let passing = &buffer[..read];
            match self.meets(passing, direction) {
                None => {}
                Some(Fault::FreezeClientAt(_)) => std::future::pending().await,
                Some(Fault::Slow(pause)) => tokio::time::sleep(pause).await,
                Some(Fault::CutBeforeReply(_) | Fault::LoseServerAt(_) | Fault::Lost) => return,
            }
            if to.write_all(passing).await.is_err() {
                return;
            }
        }
    }

    fn meets(&self, passing: &[u8], direction: Direction) -> Option<Fault> {
        let has = |word: &[u8]| passing.windows(word.len()).any(|window| window == word);
        let mut fault = self.lock();
        match *fault {
            Some(Fault::FreezeClientAt(word)) if direction == Direction::ToServer && has(word) => {
                *fault
            }
            Some(Fault::CutBeforeReply(word)) if direction == Direction::ToClient && has(word) => {
                fault.take()
            }
            Some(Fault::LoseServerAt(word)) if direction == Direction::ToClient && has(word) => {
                fault.replace(Fault::Lost)
            }
            Some(Fault::Lost | Fault::Slow(_)) => *fault,
            Some(Fault::FreezeClientAt(_) | Fault::CutBeforeReply(_) | Fault::LoseServerAt(_))
            | None => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Fault>> {
        self.fault.lock().expect("no test panicked")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}
