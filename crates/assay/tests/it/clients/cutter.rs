//! A connection that breaks: a proxy that cuts streams in the middle.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Bytes of a stream that pass before it is cut: some events, and a part of one.
const PASSED: usize = 5_500;
/// Streams that are cut; later ones are let through, so that every client comes to an end.
const CUTS: usize = 3;

/// The proxy. It stops when it is dropped.
pub(super) struct Cutter {
    base: String,
    cuts: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl Cutter {
    /// A proxy before the server at `base`, on a port of its own.
    pub(super) async fn before(base: &str) -> Self {
        let server = base.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = cuts.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), counted.clone()));
            }
        });
        Self { base, cuts, accepting: accepting.abort_handle() }
    }

    /// Where clients find it.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// How many streams it has cut.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes both ways until either side ends or the connection is cut.
async fn pass(client: TcpStream, server: String, cuts: Arc<AtomicUsize>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        passed = tokio::io::copy(&mut from_client, &mut to_server) => passed.map(drop),
        passed = answer(from_server, to_client, &cuts) => passed,
    }
}

/// Passes answers on. Only streams are cut: the rest of a client's requests are for it to repeat.
async fn answer(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    cuts: &AtomicUsize,
) -> io::Result<()> {
    let mut buffer = vec![0; 1_024];
    let mut left = None;
    loop {
        let read = server.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let chunk = &buffer[..read];
        if left.is_none() && begins_a_stream(chunk) && cuts.load(Ordering::SeqCst) < CUTS {
            left = Some(PASSED);
        }
        client.write_all(chunk).await?;
        if let Some(passes) = &mut left {
            *passes = passes.saturating_sub(read);
            if *passes == 0 {
                cuts.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        }
    }
}

fn begins_a_stream(chunk: &[u8]) -> bool {
    let text = String::from_utf8_lossy(chunk);
    text.starts_with("HTTP/1.1 101") || text.contains("content-type: text/event-stream")
}
