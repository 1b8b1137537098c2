//! Event streams, read by the rules of the HTML standard
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::{SILENCE_MAX, silent};
use crate::fault::{Checked, Fault, equal, holds};
use crate::jobs::{JobRef, is_terminal};
use crate::target::{Call, Target};

/// Bytes of one message: an event has at most 16 KiB.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// An event stream that is being read.
pub(crate) struct EventStream {
    response: Response,
    unread: Vec<u8>,
    retry_ms: Option<u64>,
    has_ended: bool,
}

/// What a request for a stream leads to.
pub(crate) enum Opened {
    Stream(EventStream),
    /// 204: the cursor is the end of the log.
    NothingFollows,
}

/// What a stream says.
#[derive(Debug)]
pub(crate) enum Line {
    Event {
        id: u64,
        event: Value,
    },
    /// A message without an id.
    Control(Value),
    Comment,
}

impl EventStream {
    /// Opens the stream of a job, as a browser that has seen version `after` comes back.
    pub(crate) async fn open(target: &Target, job: &JobRef, after: u64) -> Checked<Opened> {
        let call = target.get(&job.events);
        match after {
            0 => Self::of(call).await,
            after => Self::of(call.header("last-event-id", after.to_string())).await,
        }
    }

    /// Opens the stream that a call asks for.
    pub(crate) async fn of(call: Call<'_>) -> Checked<Opened> {
        let named = call.to_string();
        let response = call.header("accept", "text/event-stream").response().await?;
        if response.status() == 204 {
            return Ok(Opened::NothingFollows);
        }
        equal(format!("{named} as an event stream: the status"), response.status().as_u16(), 200)?;
        let media_type = response.headers().get("content-type");
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        holds(media_type.starts_with("text/event-stream"), media_type, "text/event-stream")?;
        Ok(Opened::Stream(Self { response, unread: Vec::new(), retry_ms: None, has_ended: false }))
    }

    /// The frame that every stream begins with.
    pub(crate) async fn ready(&mut self) -> Checked<Value> {
        match self.next().await? {
            Some(Line::Control(frame)) => Ok(frame),
            other => Err(Fault::breach(format!("the stream began with {other:?}"), "stream.ready")),
        }
    }

    /// The last `retry:` of the stream, in milliseconds.
    pub(crate) const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Whether the job's last event was said.
    pub(crate) const fn said_the_end(&self) -> bool {
        self.has_ended
    }

    /// What the stream says next; `None` at its end.
    pub(crate) async fn next(&mut self) -> Checked<Option<Line>> {
        loop {
            while let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                if let Some(line) = self.read(&block)? {
                    return Ok(Some(line));
                }
            }
            holds(
                self.unread.len() <= MESSAGE_BYTES_MAX,
                "a message of an event stream without an end",
                "events of at most 16 KiB",
            )?;
            match timeout(SILENCE_MAX, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.unread.extend_from_slice(&bytes),
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => {
                    let error = error.without_url();
                    let seen = format!("an event stream broke off: {error}");
                    return Err(Fault::breach(seen, "streams end in order"));
                }
                Err(_) => return Err(silent()),
            }
        }
    }

    /// Reads a message. One without data says something about the stream, or nothing.
    fn read(&mut self, block: &[u8]) -> Checked<Option<Line>> {
        let text = std::str::from_utf8(block)
            .map_err(|_| Fault::breach("a stream that is no UTF-8", "UTF-8"))?;
        let (mut id, mut data, mut is_comment) = (None, None, false);
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" => is_comment = true,
                "id" => id = Some(value.to_owned()),
                "data" => match &mut data {
                    None => data = Some(value.to_owned()),
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                },
                "retry" => self.retry_ms = value.parse().ok(),
                _ => {
                    let expected = "no event: line, for browsers drop names they do not know";
                    return Err(Fault::breach(format!("the line {line:?}"), expected));
                }
            }
        }
        let Some(data) = data else { return Ok(is_comment.then_some(Line::Comment)) };
        let value: Value = serde_json::from_str(&data)
            .map_err(|_| Fault::breach(format!("the data {data:?}"), "JSON"))?;
        let Some(id) = id else { return Ok(Some(Line::Control(value))) };
        let id = id
            .parse()
            .map_err(|_| Fault::breach(format!("the id {id:?}"), "the event's version"))?;
        self.has_ended = is_terminal(&value);
        Ok(Some(Line::Event { id, event: value }))
    }
}
