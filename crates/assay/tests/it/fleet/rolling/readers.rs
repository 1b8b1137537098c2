//! Those who follow a job, and come back as they are told when a gateway closes their stream.

use std::sync::Arc;
use std::time::Duration;

use contracts::Job;
use serde_json::Value;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error;

use super::service::Service;
use super::submitters::retry_after;
use crate::client::Client;
use crate::sse::{Said, Stream};
use crate::websocket::{self, Socket};

/// The wait before coming back to a gateway that was not there, or ended without a word.
const PAUSE: Duration = Duration::from_millis(250);

/// How a reader follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    EventStream,
    WebSocket,
}

/// What a reader was shown.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) job: Job,
    pub(super) events: Vec<Value>,
    /// Each time without a stream: from the end of one to the beginning of the next.
    pub(super) gaps: Vec<Duration>,
    /// Streams that ended and did not say why.
    pub(super) cut: usize,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With the job.
    Job,
    /// The reader is to come back after this time.
    Closed(Duration),
    /// Without a word, after a beginning.
    Cut,
    /// Before it began.
    Refused,
}

/// Follows a job to its end, from `first` on, asking the next gateway whenever one is gone.
pub(super) async fn follow(
    service: Arc<Service>,
    job: Job,
    first: usize,
    transport: Transport,
) -> Transcript {
    let transcript = Transcript { job, events: Vec::new(), gaps: Vec::new(), cut: 0 };
    let mut reader = Reader { transcript, lost: None, closing: None };
    for turn in first.. {
        let (meeting, client) = service.meet(turn);
        let end = match transport {
            Transport::EventStream => reader.read_stream(client).await,
            Transport::WebSocket => reader.read_socket(client).await,
        };
        let pause = match end {
            End::Job => break,
            End::Closed(pause) => pause,
            End::Cut | End::Refused => {
                reader.transcript.cut += usize::from(end == End::Cut);
                service.assert_replaced_since(meeting, "a stream");
                PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
    reader.transcript
}

struct Reader {
    transcript: Transcript,
    /// Since when it has had no stream, if it ever had one.
    lost: Option<Instant>,
    /// What the stream that is read said about coming back.
    closing: Option<Duration>,
}

impl Reader {
    async fn read_stream(&mut self, client: &Client) -> End {
        let path = format!("{}/events", self.transcript.job.links.this);
        let mut request = client.get(&path).header("accept", "text/event-stream");
        if let Some(cursor) = self.cursor() {
            request = request.header("last-event-id", cursor);
        }
        let Ok(response) = request.send().await else { return End::Refused };
        match response.status().as_u16() {
            204 => return End::Job,
            200 => {}
            _ => return End::Closed(retry_after(response).await),
        }
        let mut stream = Stream::of(response);
        while let Ok(Some(said)) = stream.try_next().await {
            match said {
                Said::Event(id, event) => {
                    self.add(event);
                    assert_eq!(Some(id as usize), self.cursor());
                }
                Said::Control(frame) => self.hear(&frame),
            }
        }
        // Whether the job has ended, too, is asked with the cursor.
        self.ended(self.has_seen_the_end().then_some(Duration::ZERO))
    }

    async fn read_socket(&mut self, client: &Client) -> End {
        let cursor = self.cursor().unwrap_or_default();
        let path = format!("{}/events?after={cursor}", self.transcript.job.links.this);
        let mut socket = match websocket::try_open(client, &path).await {
            Ok(socket) => socket,
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 503);
                let seconds = response.headers()["retry-after"].to_str().unwrap().parse();
                return End::Closed(Duration::from_secs(seconds.unwrap()));
            }
            Err(_) => return End::Refused,
        };
        match self.read_frames(&mut socket).await {
            Some(1000) => End::Job,
            // The frame before it says when to come back.
            Some(code) => {
                assert_eq!(code, 1012);
                assert!(self.closing.is_some(), "closed with 1012 and no time to come back");
                self.ended(None)
            }
            None => self.ended(None),
        }
    }

    /// The code that a socket is closed with; `None` if it just ends.
    async fn read_frames(&mut self, socket: &mut Socket) -> Option<u16> {
        loop {
            match socket.try_next().await {
                Ok(Some(Ok(frame))) if frame["sequence"].is_string() => self.add(frame),
                Ok(Some(Ok(frame))) => self.hear(&frame),
                Ok(Some(Err(code))) => return Some(code),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The version of the newest event that it has.
    fn cursor(&self) -> Option<usize> {
        Some(self.transcript.events.len()).filter(|cursor| *cursor > 0)
    }

    /// Adds the event that has to come next.
    fn add(&mut self, event: Value) {
        let next = format!("{:010}", self.transcript.events.len() + 1);
        assert_eq!(event["sequence"], next, "a stream left something out, or repeated it");
        self.transcript.events.push(event);
    }

    /// Takes what the stream says of itself.
    fn hear(&mut self, frame: &Value) {
        let cursor = self.cursor().unwrap_or_default();
        match frame["type"].as_str() {
            Some("stream.ready") => {
                assert_eq!(frame["after"], cursor);
                let lost = self.lost.take();
                self.transcript.gaps.extend(lost.map(|lost| lost.elapsed()));
            }
            Some("stream.closing") => {
                assert_eq!(
                    (&frame["reason"], &frame["resume_after"]),
                    (&"restart".into(), &cursor.into())
                );
                self.closing = frame["retry_after_ms"].as_u64().map(Duration::from_millis);
            }
            _ => panic!("{frame}"),
        }
    }

    /// A connection has ended that was a stream. `pause` is the wait if it said nothing of one.
    fn ended(&mut self, pause: Option<Duration>) -> End {
        self.lost = Some(Instant::now());
        self.closing.take().or(pause).map_or(End::Cut, End::Closed)
    }

    fn has_seen_the_end(&self) -> bool {
        let last = self.transcript.events.last().and_then(|event| event["type"].as_str());
        last.is_some_and(|kind| contracts::EventBody::TERMINAL_TYPES.contains(&kind))
    }
}
