//! Readers that stall, are cut, and come back with their cursor.

use std::sync::Arc;
use std::time::Duration;

use contracts::EventPage;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::client::{Client, body};

/// What the kernel holds for a reader that takes nothing. By default that grows to megabytes.
const KERNEL_BYTES: u32 = 16 * 1024;
/// What a reader takes at once.
const READ_BYTES: usize = 8 * 1024;
/// The longest wait for something to read, once a reader takes what there is.
const PATIENCE: Duration = Duration::from_secs(120);
/// The wait of a reader that is refused on its return.
const PAUSE: Duration = Duration::from_secs(1);
/// Refusals that a reader takes on its return.
const REFUSALS_MAX: usize = 100;

/// How a reader follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    EventStream,
    WebSocket,
}

impl Transport {
    /// One is as frequent as the other, over all jobs.
    pub(super) fn of(number: usize) -> Self {
        if number.count_ones().is_multiple_of(2) { Self::WebSocket } else { Self::EventStream }
    }
}

/// The log of a job, as it is sent.
pub(super) struct Log {
    lines: Vec<String>,
}

impl Log {
    /// Reads all of a log, from its pages.
    pub(super) async fn read(client: &Client, events: &str) -> Self {
        let mut log = Self { lines: Vec::new() };
        loop {
            let path = format!("{events}?limit=1000&after={}", log.lines.len());
            let page = body(client.get(&path).send().await.unwrap()).await;
            let page: EventPage = serde_json::from_value(page).unwrap();
            log.lines.extend(page.events.iter().map(|event| serde_json::to_string(event).unwrap()));
            if log.lines.len() as u64 == page.head {
                return log;
            }
        }
    }
}

/// The log that the readers of a job should have seen, once it is whole.
pub(super) type Shown = Option<Arc<Log>>;

/// Where a reader reads, and how.
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) path: String,
    pub(super) transport: Transport,
    /// What it calls its requests.
    pub(super) name: String,
}

/// How a reader came back.
pub(super) struct Return {
    pub(super) transport: Transport,
    /// It was told that it had been too slow.
    pub(super) was_told: bool,
    /// Connections that were refused before the one that was not.
    pub(super) refused: usize,
    /// Bytes of events that it read after it was cut.
    pub(super) bytes: usize,
}

/// A reader that follows a job.
pub(super) struct Reader {
    place: Place,
    connection: Connection,
    /// The events that it took, as they were sent.
    seen: Vec<String>,
}

/// What a connection says next.
enum Said {
    Event(String),
    Control(Value),
    /// A socket was closed, with this code.
    Closed(u16),
    End,
}

enum Connection {
    EventStream(Chunks),
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

impl Reader {
    /// Connects, and takes the first event.
    pub(super) async fn attach(place: Place) -> Self {
        let connection = Connection::open(&place, 0).await;
        let mut connection = connection.expect("a reader is let in");
        let mut seen = Vec::new();
        while seen.is_empty() {
            match connection.next().await {
                Said::Event(event) => seen.push(event),
                Said::Control(frame) => assert_eq!(frame["type"], "stream.ready"),
                Said::Closed(_) | Said::End => panic!("a stream ended before it began"),
            }
        }
        Self { place, connection, seen }
    }

    /// Takes nothing until it is cut, then all that is left, and then the rest of the log on a new
    /// connection. Everything is compared with the log.
    pub(super) async fn stall_and_return(
        mut self,
        is_cut: &Notify,
        mut shown: watch::Receiver<Shown>,
    ) -> Return {
        is_cut.notified().await;
        let was_told = take_rest(&mut self.connection, |event| self.seen.push(event)).await;
        drop(self.connection);

        let log = {
            let shown = shown.wait_for(Option::is_some).await.unwrap();
            Arc::clone(shown.as_ref().unwrap())
        };
        let mut taken = Transcript::of(&log);
        self.seen.into_iter().for_each(|event| taken.add(&event));
        assert!(taken.events < log.lines.len(), "a reader that stalled was not cut");
        let (mut refused, cut_at) = (0, taken.bytes);
        while taken.events < log.lines.len() {
            match Connection::open(&self.place, taken.events).await {
                Some(mut connection) => {
                    take_rest(&mut connection, |event| taken.add(&event)).await;
                }
                None => {
                    refused += 1;
                    assert!(refused < REFUSALS_MAX, "a reader that returned was not let in");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        let bytes = taken.bytes - cut_at;
        Return { transport: self.place.transport, was_told, refused, bytes }
    }
}

/// Takes what a connection has up to its end: whether it says that its reader was too slow.
async fn take_rest(connection: &mut Connection, mut take: impl FnMut(String)) -> bool {
    let mut was_told = false;
    loop {
        match connection.next().await {
            Said::Event(event) => take(event),
            Said::Control(frame) => was_told |= frame["reason"] == "too_slow",
            Said::Closed(code) => return code == 4420,
            Said::End => return was_told,
        }
    }
}

/// What of a log a reader has.
struct Transcript<'a> {
    log: &'a Log,
    events: usize,
    bytes: usize,
}

impl<'a> Transcript<'a> {
    const fn of(log: &'a Log) -> Self {
        Self { log, events: 0, bytes: 0 }
    }

    fn add(&mut self, event: &str) {
        assert_eq!(self.log.lines[self.events], event, "a stream is not the log");
        self.events += 1;
        self.bytes += event.len();
    }
}

impl Connection {
    /// Follows from a cursor. `None` if the gateway asks to come back later.
    async fn open(place: &Place, after: usize) -> Option<Self> {
        let Place { client, path, transport, name } = place;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(KERNEL_BYTES).unwrap();
        let stream = timeout(PATIENCE, socket.connect(client.address)).await.unwrap().unwrap();
        let path = format!("{path}/events?after={after}");
        match transport {
            Transport::EventStream => open_stream(stream, &path, name).await.map(Self::EventStream),
            Transport::WebSocket => {
                let url = format!("ws://{}{path}", client.address);
                let mut request = url.into_client_request().unwrap();
                request.headers_mut().insert("x-request-id", name.parse().unwrap());
                let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
                let opening =
                    tokio_tungstenite::client_async_with_config(request, stream, Some(config));
                let opened = timeout(PATIENCE, opening).await.unwrap().ok()?;
                Some(Self::WebSocket(Box::new(opened.0)))
            }
        }
    }

    async fn next(&mut self) -> Said {
        match self {
            Self::EventStream(stream) => timeout(PATIENCE, stream.next_message()).await.unwrap(),
            Self::WebSocket(socket) => timeout(PATIENCE, next_frame(socket)).await.unwrap(),
        }
    }
}

/// The head of an event stream.
async fn open_stream(stream: TcpStream, path: &str, name: &str) -> Option<Chunks> {
    let mut stream = BufReader::with_capacity(READ_BYTES, stream);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\
         X-Request-Id: {name}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut line = String::new();
    timeout(PATIENCE, stream.read_line(&mut line)).await.unwrap().ok()?;
    let is_open = line.contains(" 200 ");
    assert!(is_open || line.is_empty() || line.contains(" 503 "), "{line}");
    while is_open && !line.trim_end().is_empty() {
        line.clear();
        timeout(PATIENCE, stream.read_line(&mut line)).await.unwrap().ok()?;
    }
    is_open.then_some(Chunks { stream, text: Vec::new() })
}

/// A body in chunks, which need not end where messages do.
struct Chunks {
    stream: BufReader<TcpStream>,
    text: Vec<u8>,
}

impl Chunks {
    async fn next_message(&mut self) -> Said {
        loop {
            while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let rest = self.text.split_off(end + 2);
                let message = String::from_utf8(std::mem::replace(&mut self.text, rest)).unwrap();
                if let Some(said) = read_message(&message) {
                    return said;
                }
            }
            if !matches!(self.read_chunk().await, Ok(1..)) {
                return Said::End;
            }
        }
    }

    /// The bytes of the next chunk: 0 at the end of the body, or of the connection.
    async fn read_chunk(&mut self) -> std::io::Result<usize> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap_or(0);
        let begin = self.text.len();
        self.text.resize(begin + size + 2, 0);
        self.stream.read_exact(&mut self.text[begin..]).await?;
        self.text.truncate(begin + size);
        Ok(size)
    }
}

fn read_message(message: &str) -> Option<Said> {
    let data = message.lines().find_map(|line| line.strip_prefix("data: "))?;
    Some(if message.lines().any(|line| line.starts_with("id: ")) {
        Said::Event(data.to_owned())
    } else {
        Said::Control(serde_json::from_str(data).unwrap())
    })
}

async fn next_frame(socket: &mut WebSocketStream<TcpStream>) -> Said {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains("\"specversion\"") => {
                return Said::Event(text.to_string());
            }
            Some(Ok(Message::Text(text))) => {
                return Said::Control(serde_json::from_str(&text).unwrap());
            }
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(Message::Close(Some(frame)))) => return Said::Closed(frame.code.into()),
            Some(Ok(other)) => panic!("unexpected: {other:?}"),
            Some(Err(_)) | None => return Said::End,
        }
    }
}
