//! The ways to read a log, behind one reader: what comes out of each must be the same.

mod pages;
mod sse;
mod websocket;

use std::time::Duration;

use serde_json::{Value, json};

use self::pages::Pages;
pub(crate) use self::sse::{EventStream, Line, Opened};
pub(crate) use self::websocket::{Frame, Socket};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{JobRef, is_terminal, version_of};
use crate::target::{STREAM, Target};

/// A stream says something at least so often: a comment every 15 s, a ping every 20 s.
const SILENCE_MAX: Duration = Duration::from_secs(40);

/// How often a server may close one stream before its job ended.
const RETURNS_MAX: u32 = 10;
/// The longest that the kit stays away from a stream that was closed.
const RETURN_WAIT_MAX: Duration = Duration::from_secs(5);

/// A way to read a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// JSON pages, and a long poll where they end.
    Pages,
    /// Server-sent events.
    EventStream,
    /// A WebSocket at the events' address.
    Socket,
    /// A WebSocket at the job's own address.
    JobSocket,
    /// The WebSocket of many jobs.
    SharedSocket,
}

impl Transport {
    /// Every way there is.
    pub(crate) const ALL: [Self; 5] =
        [Self::Pages, Self::EventStream, Self::Socket, Self::JobSocket, Self::SharedSocket];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "JSON pages",
            Self::EventStream => "SSE",
            Self::Socket => "WebSocket on /events",
            Self::JobSocket => "WebSocket on the job",
            Self::SharedSocket => "WebSocket of many jobs",
        }
    }
}

/// A log that is being read over one connection.
///
/// A server may close a stream before its job ended, to restart; then it is opened again after the
/// last event, as any client does.
pub(crate) struct Reader<'a> {
    target: &'a Target,
    job: &'a JobRef,
    transport: Transport,
    /// The version of the last event that was read.
    cursor: u64,
    /// How often it was opened again.
    returns: u32,
    state: State<'a>,
}

enum State<'a> {
    Pages(Pages<'a>),
    EventStream(EventStream),
    Socket(Box<Socket>),
    SharedSocket(Box<Socket>),
    Ended,
}

/// What a connection brought.
enum Brought {
    Event(Value),
    /// The job ended.
    Ended,
    /// The stream closed before the job ended: it goes on after the cursor, and after this time.
    Closed(Duration),
}

impl<'a> Reader<'a> {
    /// Begins to read after version `after`.
    pub(crate) async fn open(
        target: &'a Target,
        transport: Transport,
        job: &'a JobRef,
        after: u64,
    ) -> Checked<Self> {
        let state = opened(target, transport, job, after).await?;
        Ok(Self { target, job, transport, cursor: after, returns: 0, state })
    }

    /// The next event, and after the last one `None`: then the job has ended, too.
    pub(crate) async fn next(&mut self) -> Checked<Option<Value>> {
        loop {
            let brought = match &mut self.state {
                State::Ended => Brought::Ended,
                State::Pages(pages) => pages.next().await?.map_or(Brought::Ended, Brought::Event),
                State::EventStream(stream) => of_stream(stream).await?,
                State::Socket(socket) => of_socket(socket).await?,
                State::SharedSocket(socket) => of_socket(socket).await?,
            };
            match brought {
                Brought::Event(event) => {
                    let version = version_of(&event)?;
                    equal(format!("the event after {}", self.cursor), version, self.cursor + 1)?;
                    self.cursor = version;
                    // The socket of many jobs goes on when one of them has ended.
                    if matches!(self.state, State::SharedSocket(_)) && is_terminal(&event) {
                        self.state = State::Ended;
                    }
                    return Ok(Some(event));
                }
                Brought::Ended => {
                    self.state = State::Ended;
                    return Ok(None);
                }
                Brought::Closed(wait) => self.come_back(wait).await?,
            }
        }
    }

    async fn come_back(&mut self, wait: Duration) -> Checked {
        self.returns += 1;
        let seen = format!("a stream that was closed {} times", self.returns);
        holds(self.returns <= RETURNS_MAX, seen, "a stream that goes on")?;
        tokio::time::sleep(wait.min(RETURN_WAIT_MAX)).await;
        self.state = opened(self.target, self.transport, self.job, self.cursor).await?;
        Ok(())
    }

    /// The events up to the end of the log.
    pub(crate) async fn rest(mut self) -> Checked<Vec<Value>> {
        let mut events = Vec::new();
        let place = format!("{} after {}", self.transport.as_str(), self.cursor);
        while let Some(event) = self.next().await.during(&place)? {
            events.push(event);
        }
        Ok(events)
    }
}

async fn opened<'a>(
    target: &'a Target,
    transport: Transport,
    job: &'a JobRef,
    after: u64,
) -> Checked<State<'a>> {
    Ok(match transport {
        Transport::Pages => State::Pages(Pages::of(target, job, after)),
        Transport::EventStream => match EventStream::open(target, job, after).await? {
            Opened::Stream(mut stream) => {
                let ready = stream.ready().await?;
                check_ready(&ready, job, after)?;
                State::EventStream(stream)
            }
            Opened::NothingFollows => State::Ended,
        },
        Transport::SharedSocket => subscribed(target, job, after).await?,
        Transport::Socket | Transport::JobSocket => {
            let path = match transport {
                Transport::Socket => &job.stream,
                Transport::Pages
                | Transport::EventStream
                | Transport::JobSocket
                | Transport::SharedSocket => &job.path,
            };
            let mut socket = Socket::open(target.get(&format!("{path}?after={after}"))).await?;
            check_ready(&socket.text().await?, job, after)?;
            State::Socket(Box::new(socket))
        }
    })
}

/// Subscribes on a socket of many jobs. At the end of a log nothing follows, not even a frame that
/// says so: then the job tells.
async fn subscribed<'a>(target: &'a Target, job: &'a JobRef, after: u64) -> Checked<State<'a>> {
    let mut socket = Socket::open(target.get(STREAM)).await?;
    let frame = json!({"type": "subscribe", "job_id": job.id, "after": after});
    socket.send(frame.to_string()).await;
    let ready = socket.text().await?;
    check_ready(&ready, job, after)?;
    if ready["head"] == after {
        let shown = target.show(job).await?;
        if shown["finished_at"].is_string() && shown["version"] == after {
            return Ok(State::Ended);
        }
    }
    Ok(State::SharedSocket(Box::new(socket)))
}

async fn of_stream(stream: &mut EventStream) -> Checked<Brought> {
    match stream.next().await? {
        Some(Line::Event { id, event }) => {
            equal("the SSE id of an event", id, version_of(&event)?)?;
            Ok(Brought::Event(event))
        }
        Some(Line::Control(frame)) => {
            let kind = frame["type"].as_str().unwrap_or_default();
            holds(kind == "stream.closing", &frame, "an event, or stream.closing")?;
            Ok(Brought::Closed(wait_of(&frame)))
        }
        Some(Line::Comment) => Box::pin(of_stream(stream)).await,
        None => match stream.said_the_end() {
            true => Ok(Brought::Ended),
            false => Err(Fault::breach(
                "the event stream ended without the job's last event",
                "a terminal event, or stream.closing",
            )),
        },
    }
}

async fn of_socket(socket: &mut Socket) -> Checked<Brought> {
    match socket.next().await? {
        Frame::Text(frame) => match frame["type"].as_str().unwrap_or_default() {
            "stream.closing" => Ok(Brought::Closed(wait_of(&frame))),
            kind if kind.starts_with("stream.") => {
                Err(Fault::breach(frame.to_string(), "an event, or stream.closing"))
            }
            _ => Ok(Brought::Event(frame)),
        },
        Frame::Ping => Box::pin(of_socket(socket)).await,
        Frame::Closed(1000) => Ok(Brought::Ended),
        Frame::Closed(1012) => Ok(Brought::Closed(RETURN_WAIT_MAX)),
        Frame::Closed(code) => {
            Err(Fault::breach(format!("close code {code}"), "1000 once the job has ended"))
        }
    }
}

/// How long to stay away after `stream.closing`.
fn wait_of(closing: &Value) -> Duration {
    Duration::from_millis(closing["retry_after_ms"].as_u64().unwrap_or_default())
}

/// The first frame of a stream says which events follow.
fn check_ready(ready: &Value, job: &JobRef, after: u64) -> Checked {
    equal("the first frame", &ready["type"], "stream.ready").during(ready)?;
    equal("stream.ready: job_id", &ready["job_id"], job.id.as_str())?;
    equal("stream.ready: after", &ready["after"], after)?;
    let mode = if after == 0 { "full" } else { "resume" };
    equal("stream.ready: mode", &ready["mode"], mode)?;
    let head = ready["head"].as_u64().unwrap_or_default();
    holds(head >= after.max(1), format!("stream.ready: head {head}"), "the newest version")
}

/// What a stream should have said by now.
fn silent() -> Fault {
    let seen = format!("a stream without a byte for {} s", SILENCE_MAX.as_secs());
    Fault::breach(seen, "a comment every 15 s, a ping every 20 s")
}
