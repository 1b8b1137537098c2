//! The log as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use contracts::stream::ClosingReason;
use contracts::{JobId, StreamControl, TenantId};
use futures_util::stream;
use telemetry::metrics::streams::Kind;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at};
use tracing::Instrument as _;

use super::StreamTimes;
use super::feed::{Closing, Feed, Next};
use super::room::{Metered, Room, SendError};
use crate::edge::RequestTrace;
use crate::headers;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::State;

/// Milliseconds after which a browser comes back to a stream that broke.
const RETRY_MS: u64 = 2_000;

/// Answers with the stream, or with 204 where there is nothing more to come: that alone keeps a
/// browser from coming back.
pub(crate) async fn serve(
    state: &State,
    (tenant, id): (&TenantId, JobId),
    request: &HttpRequest,
    query: Parameters,
) -> Result<HttpResponse, ApiError> {
    let after = cursor(request, query)?;
    let follower = state.jobs.follow(tenant, id, after).await?;
    if follower.is_ended() {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish());
    }
    let (outbox, body) = Outbox::new(state.times.stall);
    let trace_id = RequestTrace::of(request).0.trace_id();
    let feed = Feed::new(follower, state, Kind::Sse, trace_id);
    let talk = talk(feed, outbox, state.times).in_current_span();
    state.tasks.spawn_on(talk, &state.runtime);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold events back until its block is full.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::VARY, "Accept"))
        .insert_header(("X-Accel-Buffering", "no"))
        .body(body))
}

/// The way to a client.
struct Outbox {
    // What waits in it has its room.
    queue: mpsc::UnboundedSender<Bytes>,
    room: Arc<Room>,
}

impl Outbox {
    /// A way, and the body that it leads to.
    fn new(stall: Duration) -> (Self, impl MessageBody + 'static) {
        let room = Room::new(stall);
        let (queue, queued) = mpsc::unbounded_channel();
        let body = stream::unfold(queued, |mut queued| async move {
            Some((Ok::<_, Infallible>(all(&mut queued).await?), queued))
        });
        (
            Self { queue, room: Arc::clone(&room) },
            Metered::new(BodyStream::new(Box::pin(body)), room),
        )
    }

    async fn send(&self, message: String) -> Result<(), SendError> {
        self.room.take(message.len()).await?;
        self.send_last(message)
    }

    /// Sends what needs no room, because nothing follows.
    fn send_last(&self, message: String) -> Result<(), SendError> {
        self.queue.send(message.into()).map_err(|_| SendError::Gone)
    }
}

/// Waits for what is queued, and takes all of it: what it needs was bounded when it was queued.
async fn all(queued: &mut mpsc::UnboundedReceiver<Bytes>) -> Option<Bytes> {
    let first = queued.recv().await?;
    let Ok(second) = queued.try_recv() else { return Some(first) };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Ok(next) = queued.try_recv() {
        all.extend_from_slice(&next);
    }
    Some(all.freeze())
}

/// The cursor of a request: what the browser remembers is newer than what the address says.
fn cursor(request: &HttpRequest, mut query: Parameters) -> Result<u64, ApiError> {
    let after = query.parse("after", "a version")?;
    query.finish()?;
    let last = headers::text(request.headers(), &headers::LAST_EVENT_ID);
    match last.filter(|id| !id.is_empty()) {
        Some(id) => id.parse().map_err(|_| ApiError::invalid("Last-Event-ID must be a version.")),
        None => Ok(after.unwrap_or(0)),
    }
}

/// Sends the stream until its end, or until the connection is gone or stalls.
async fn talk(mut feed: Feed, outbox: Outbox, times: StreamTimes) {
    let mut comments = interval_at(Instant::now() + times.comment_interval, times.comment_interval);
    let mut message = format!("retry: {RETRY_MS}\n\n{}", control(feed.ready()));
    let mut is_last = false;
    let mut sent = feed.cursor();
    loop {
        match outbox.send(message).await {
            Ok(()) if !is_last => sent = feed.cursor(),
            Ok(()) | Err(SendError::Gone) => return,
            Err(SendError::Stalled) => return cut(&outbox, sent),
        }
        let next = tokio::select! {
            () = outbox.queue.closed() => return,
            () = outbox.room.stalled() => return cut(&outbox, sent),
            _ = comments.tick() => None,
            next = feed.next() => Some(next),
        };
        message = match next {
            None => ":\n\n".to_owned(),
            Some(Next::Event(event)) => {
                is_last = event.terminal;
                framed(Some(event.version), &event.json)
            }
            Some(Next::Ended) => return,
            Some(Next::Closing(closing)) => {
                is_last = true;
                farewell(closing)
            }
            Some(Next::Gone(problem)) => {
                is_last = true;
                control(&StreamControl::Error { job_id: None, problem })
            }
        };
    }
}

/// A reader that took nothing for too long gets no more than the reason, should it come back. Its
/// connection is ended by the kernel, if it does not.
fn cut(outbox: &Outbox, sent: u64) {
    let closing = Closing::new(ClosingReason::TooSlow, sent);
    let is_there = outbox.send_last(farewell(closing)).is_ok();
    tracing::debug!(sent, is_there, "a slow reader was cut");
}

/// Browsers read no data, but they keep to `retry`: it spreads their return.
fn farewell(closing: Closing) -> String {
    format!("retry: {}\n{}", closing.retry_after_ms, control(&closing.control()))
}

fn control(frame: &StreamControl) -> String {
    framed(None, &serde_json::to_string(frame).unwrap_or_default())
}

/// A message. There is no `event:` line, because a browser drops the names that it does not know;
/// a control frame has no `id:`, so that the browser's cursor stays at the last event.
fn framed(id: Option<u64>, json: &str) -> String {
    let mut message = String::with_capacity(json.len() + 32);
    if let Some(id) = id {
        let _ = writeln!(message, "id: {id}");
    }
    // JSON escapes line breaks, so one line holds all of it.
    debug_assert!(!json.contains(['\n', '\r']), "an event is one line");
    let _ = write!(message, "data: {json}\n\n");
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::stream::StreamMode;

    #[test]
    fn an_event_has_its_version_as_id_and_no_name() {
        assert_eq!(framed(Some(7), r#"{"a":"\n"}"#), "id: 7\ndata: {\"a\":\"\\n\"}\n\n");
    }

    #[test]
    fn a_control_frame_has_no_id() {
        let job_id = JobId::from_uuid(uuid::Uuid::nil());
        let ready = StreamControl::Ready { job_id, mode: StreamMode::Resume, after: 3, head: 9 };
        insta::assert_snapshot!(control(&ready));
    }

    #[test]
    fn a_farewell_tells_browsers_when_to_return() {
        let reason = ClosingReason::Restart;
        let text = farewell(Closing { reason, resume_after: 4, retry_after_ms: 1_234 });
        insta::assert_snapshot!(text);
    }

    #[test]
    fn those_who_are_sent_away_return_within_two_seconds() {
        for _ in 0..1_000 {
            assert!(Closing::new(ClosingReason::Restart, 1).retry_after_ms <= 2_000);
        }
    }
}
