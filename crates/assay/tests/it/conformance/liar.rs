//! A proxy before an honest server that tells one lie.
//!
//! It speaks HTTP/1.0 to the server, whose answers then end with the connection: there are no
//! chunks to put together. A WebSocket is handed through, frame by frame.

mod lie;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) use self::lie::Lie;

/// No connection of a check takes longer.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// The proxy. It ends when it is dropped.
pub(super) struct Liar {
    base: String,
    serving: JoinHandle<()>,
}

/// A request or an answer.
pub(super) struct Message {
    /// The request line or the status line.
    pub(super) line: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Liar {
    /// A proxy before the server at this address.
    pub(super) async fn before(base: &str, lie: Lie) -> Self {
        let server = base.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = server.clone();
                let serving = async move { serve(client, &server, lie).await.unwrap_or_default() };
                tokio::spawn(timeout(CONNECTION_TIME, serving));
            }
        });
        Self { base, serving }
    }

    /// Where it listens.
    pub(super) fn base(&self) -> String {
        self.base.clone()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request and its answer; then the connection is closed, so that there is no second one.
async fn serve(mut client: TcpStream, server: &str, lie: Lie) -> Option<()> {
    let mut request = Message::read(&mut client).await?;
    let mut upstream = TcpStream::connect(server).await.ok()?;
    if request.headers.contains_key("upgrade") {
        upstream.write_all(&request.bytes()).await.ok()?;
        return hand_through(client, upstream, lie).await;
    }
    let asked = request.line.clone();
    lie.in_request(&mut request);
    request.line = request.line.replace("HTTP/1.1", "HTTP/1.0");
    // In that version a POST always says how long it is.
    request.headers.insert("content-length".to_owned(), request.body.len().to_string());
    upstream.write_all(&request.bytes()).await.ok()?;
    let mut answer = Message::read(&mut upstream).await?;
    lie.in_answer(&asked, &mut answer);
    answer.line = answer.line.replace("HTTP/1.0", "HTTP/1.1");
    answer.headers.insert("connection".to_owned(), "close".to_owned());
    if !answer.line.contains(" 204 ") && !answer.line.contains(" 304 ") {
        answer.headers.insert("content-length".to_owned(), answer.body.len().to_string());
    }
    client.write_all(&answer.bytes()).await.ok()?;
    client.shutdown().await.ok()
}

async fn hand_through(client: TcpStream, server: TcpStream, lie: Lie) -> Option<()> {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => None,
        told = frames(from_server, to_client, lie) => told,
    }
}

/// Passes the server's frames on (RFC 6455, 5.2: a server's are not masked), but the one that the
/// lie leaves out.
async fn frames(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lie: Lie) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    to.write_all(&head).await.ok()?;
    for number in 0_usize.. {
        let mut frame = vec![from.read_u8().await.ok()?, from.read_u8().await.ok()?];
        let length = match frame[1] {
            126 => u64::from(from.read_u16().await.ok()?),
            127 => from.read_u64().await.ok()?,
            short => u64::from(short),
        };
        match frame[1] {
            126 => frame.extend((length as u16).to_be_bytes()),
            127 => frame.extend(length.to_be_bytes()),
            _ => {}
        }
        let begin = frame.len();
        frame.resize(begin + usize::try_from(length).ok()?, 0);
        from.read_exact(&mut frame[begin..]).await.ok()?;
        if !lie.leaves_out_frame(number) {
            to.write_all(&frame).await.ok()?;
        }
    }
    None
}

impl Message {
    /// Reads a message: its body is as long as it says, or else, of an answer, all that comes.
    async fn read(connection: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if connection.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let mut body = bytes.split_off(head_end + 4);
        let head = String::from_utf8(bytes).ok()?;
        let (line, rest) = head.trim_end().split_once("\r\n").unwrap_or((head.trim_end(), ""));
        let pairs = rest.lines().filter_map(|header| header.split_once(':'));
        let headers: BTreeMap<String, String> = pairs
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let is_answer = line.starts_with("HTTP/");
        let length = match headers.get("content-length") {
            Some(length) => length.parse().ok()?,
            None if is_answer => usize::MAX,
            None => 0,
        };
        while body.len() < length && connection.read_buf(&mut body).await.ok()? > 0 {}
        Some(Self { line: line.to_owned(), headers, body })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}
