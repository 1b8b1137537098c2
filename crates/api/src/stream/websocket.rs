//! The log over a WebSocket.

use std::io::ErrorKind;

use actix_web::dev::Payload as RawPayload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, ProtocolError};
use contracts::stream::ClosingReason;
use contracts::{Code, StreamControl};
use engine::services::{Follower, QueryError};
use tokio::time::{Instant, interval_at, sleep_until};
use tracing::Instrument as _;

use super::StreamTimes;
use super::feed::{Feed, Next};
use super::frame_limit;
use super::outbox::{Outbox, SendError};
use crate::cors::Standing;
use crate::edge::RequestTrace;
use crate::headers;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::{State, tenant};

/// The codes that a socket is closed with.
mod close {
    pub(super) const JOB_ENDED: u16 = 1000;
    pub(super) const ORIGIN: u16 = 1008;
    pub(super) const RESTART: u16 = 1012;
    pub(super) const OVERLOADED: u16 = 1013;
    pub(super) const BAD_FRAME: u16 = 4400;
    pub(super) const NO_SUCH_JOB: u16 = 4404;
    pub(super) const CURSOR_AHEAD: u16 = 4409;
    pub(super) const GONE: u16 = 4410;
    pub(super) const FRAME_TOO_BIG: u16 = 4413;
    pub(super) const TOO_SLOW: u16 = 4420;
}

/// Whether a request asks to become a WebSocket.
pub(crate) fn is_asked_for(request: &HttpRequest) -> bool {
    let upgrade = headers::text(request.headers(), &header::UPGRADE).unwrap_or_default();
    upgrade.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

/// Upgrades, and follows the job. A browser cannot see why an upgrade failed, so a refusal is told
/// on the open socket, by a frame and a close code.
pub(crate) async fn serve(
    state: &State,
    job_id: &str,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let mut query = Parameters::of(request.query_string())?;
    let after = query.parse("after", "a version")?.unwrap_or(0);
    query.finish()?;
    let trace_id = RequestTrace::of(request).trace.trace_id();
    let start = match state.origins.standing(request.headers()) {
        Standing::Own | Standing::Listed => follow(state, job_id, after).await,
        Standing::Foreign => Err(Refusal::foreign_origin()),
    };

    let limited = frame_limit::limited(payload.into_inner());
    let (response, session, messages) = upgrade(request, limited).await?;
    let (outbox, response) = Outbox::new(session, response, state.times.stall);
    match start {
        Ok(follower) => {
            let feed = Feed::new(follower, state.draining.clone(), trace_id);
            let talk = talk(outbox, messages, feed, state.times).in_current_span();
            state.tasks.spawn_local(talk);
        }
        Err(refusal) => {
            state.tasks.spawn_local(refuse(outbox, refusal, trace_id).in_current_span());
        }
    }
    Ok(response)
}

async fn upgrade(
    request: &HttpRequest,
    mut payload: RawPayload,
) -> Result<(HttpResponse, actix_ws::Session, MessageStream), ApiError> {
    let refused = |error: actix_web::Error| {
        tracing::debug!(%error, "no WebSocket handshake");
        ApiError::invalid("This is not a WebSocket handshake of RFC 6455, version 13.")
    };
    let payload = Payload::from_request(request, &mut payload).await.map_err(refused)?;
    actix_ws::handle(request, payload).map_err(refused)
}

/// Why a socket is closed before it begins.
struct Refusal {
    close_code: u16,
    error: ApiError,
}

impl Refusal {
    fn foreign_origin() -> Self {
        let error = ApiError::new(Code::Forbidden, "Pages of this origin may not use this server.");
        Self { close_code: close::ORIGIN, error }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let close_code = match &error {
            QueryError::NotFound => close::NO_SUCH_JOB,
            QueryError::Gone => close::GONE,
            QueryError::CursorAhead { .. } => close::CURSOR_AHEAD,
            QueryError::Store(_) => close::OVERLOADED,
        };
        Self { close_code, error: error.into() }
    }
}

async fn follow(state: &State, job_id: &str, after: u64) -> Result<Follower, Refusal> {
    let id = job_id.parse().map_err(|_| QueryError::NotFound)?;
    Ok(state.jobs.follow(&tenant(), id, after).await?)
}

async fn refuse(mut outbox: Outbox, refusal: Refusal, trace_id: String) {
    let Refusal { close_code, error } = refusal;
    error.log();
    let problem = error.problem(&trace_id);
    let title = problem.title.clone();
    let frame = StreamControl::Error { job_id: None, problem: Box::new(problem) };
    if send(&mut outbox, &frame).await.is_ok() {
        outbox.close(CloseReason { code: close_code.into(), description: Some(title) }).await;
    }
}

/// How a conversation ends.
enum End {
    /// With this code and its explanation.
    Close(u16, &'static str),
    /// The client closed, or is gone.
    Gone,
}

impl From<SendError> for End {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Gone => Self::Gone,
            SendError::Stalled => Self::Close(close::TOO_SLOW, "too slow"),
        }
    }
}

/// Sends the stream until its end, or until the client is gone, stalls or breaks a rule.
async fn talk(mut outbox: Outbox, messages: MessageStream, feed: Feed, times: StreamTimes) {
    let end = match converse(&mut outbox, messages, feed, times).await {
        Ok(end) => end,
        Err(error) => error.into(),
    };
    let reason = match end {
        End::Close(code, text) => {
            CloseReason { code: code.into(), description: Some(text.to_owned()) }
        }
        End::Gone => CloseReason { code: CloseCode::Normal, description: None },
    };
    outbox.close(reason).await;
}

async fn converse(
    outbox: &mut Outbox,
    mut messages: MessageStream,
    mut feed: Feed,
    times: StreamTimes,
) -> Result<End, SendError> {
    let mut pings = interval_at(Instant::now() + times.ping_interval, times.ping_interval);
    let mut heard = Instant::now();
    send(outbox, feed.ready()).await?;
    loop {
        tokio::select! {
            message = messages.recv() => {
                heard = Instant::now();
                if let Some(end) = hear(outbox, message).await? {
                    return Ok(end);
                }
            }
            () = sleep_until(heard + times.silence) => return Ok(End::Gone),
            _ = pings.tick() => outbox.ping().await?,
            next = feed.next() => match next {
                Next::Event(event) => {
                    outbox.text(&event.json).await?;
                    if event.terminal {
                        return Ok(End::Close(close::JOB_ENDED, "the job ended"));
                    }
                }
                Next::Ended => return Ok(End::Close(close::JOB_ENDED, "the job ended")),
                Next::Gone(problem) => {
                    send(outbox, &StreamControl::Error { job_id: None, problem }).await?;
                    return Ok(End::Close(close::GONE, "the job was deleted"));
                }
                Next::Closing(closing) => {
                    send(outbox, &closing.control()).await?;
                    return Ok(match closing.reason {
                        ClosingReason::Restart => {
                            End::Close(close::RESTART, "restarting")
                        }
                        ClosingReason::Overloaded
                        | ClosingReason::TooSlow
                        | ClosingReason::StoreUnavailable => {
                            End::Close(close::OVERLOADED, "try again later")
                        }
                    });
                }
            },
        }
    }
}

/// What a client's message leads to. On a socket of one job there is nothing for it to say.
async fn hear(
    outbox: &mut Outbox,
    message: Option<Result<Message, ProtocolError>>,
) -> Result<Option<End>, SendError> {
    let end = match message {
        Some(Ok(Message::Ping(payload))) => {
            outbox.pong(&payload).await?;
            return Ok(None);
        }
        Some(Ok(Message::Pong(_) | Message::Nop)) => return Ok(None),
        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_))) => {
            End::Close(close::BAD_FRAME, "this socket takes no messages")
        }
        Some(Err(error)) if is_too_big(&error) => {
            End::Close(close::FRAME_TOO_BIG, "the frame is too big")
        }
        Some(Err(error)) if is_broken_connection(&error) => End::Gone,
        Some(Err(_)) => End::Close(close::BAD_FRAME, "not a valid frame"),
        Some(Ok(Message::Close(_))) | None => End::Gone,
    };
    Ok(Some(end))
}

fn is_too_big(error: &ProtocolError) -> bool {
    let ProtocolError::Io(error) = error else {
        return matches!(error, ProtocolError::Overflow);
    };
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<PayloadError>());
    matches!(cause, Some(PayloadError::Overflow))
}

/// Text that is no UTF-8 is told as an I/O error, too, of a kind of its own.
fn is_broken_connection(error: &ProtocolError) -> bool {
    matches!(error, ProtocolError::Io(error) if error.kind() != ErrorKind::InvalidData)
}

async fn send(outbox: &mut Outbox, frame: &StreamControl) -> Result<(), SendError> {
    outbox.text(&serde_json::to_string(frame).unwrap_or_default()).await
}
