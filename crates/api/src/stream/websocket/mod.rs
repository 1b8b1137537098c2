//! Logs over a WebSocket: one job's, or those of many.
//!
//! `conversation.rs` keeps a socket going whatever it is about: it sends, listens, pings and cuts.
//! `one_job.rs` and `many_jobs.rs` are what it can be about.

mod conversation;
mod many_jobs;
mod one_job;
mod refusal;

use actix_web::dev::Payload as RawPayload;
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use actix_ws::MessageStream;
use tracing::Instrument as _;

use self::conversation::{Topic, converse};
use self::refusal::{Refusal, refuse};
use super::close;
use super::message_limit;
use super::outbox::Outbox;
use crate::access::SUBPROTOCOL;
use crate::cors::Standing;
use crate::edge::RequestTrace;
use crate::headers;
use crate::problem::ApiError;
use crate::state::State;

pub(crate) use many_jobs::serve as serve_many;
pub(crate) use one_job::serve as serve_one;

/// Whether a request asks to become a WebSocket.
pub(crate) fn is_asked_for(request: &HttpRequest) -> bool {
    let upgrade = headers::text(request.headers(), &header::UPGRADE).unwrap_or_default();
    upgrade.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
}

/// Upgrades, and talks about what `start` gives. A browser cannot see why an upgrade failed, so a
/// refusal is told on the open socket, by a frame and a close code.
async fn open<T: Topic + 'static>(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    start: impl Future<Output = Result<T, Refusal>>,
) -> Result<HttpResponse, ApiError> {
    let start = match state.origins.standing(request.headers()) {
        Standing::Own | Standing::Listed => start.await,
        Standing::Foreign => Err(Refusal::foreign_origin()),
    };
    let limited = message_limit::limited(payload.into_inner());
    let (response, session, messages) = upgrade(request, limited).await?;
    let (outbox, response) = Outbox::new(session, response, state.times.stall);
    match start {
        Ok(topic) => {
            let talk = converse(outbox, messages, topic, state.times).in_current_span();
            state.tasks.spawn_local(talk);
        }
        Err(refusal) => {
            let trace_id = trace_id(request);
            state.tasks.spawn_local(refuse(outbox, refusal, trace_id).in_current_span());
        }
    }
    Ok(response)
}

fn trace_id(request: &HttpRequest) -> String {
    RequestTrace::of(request).0.trace_id()
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
    actix_ws::handle_with_protocols(request, payload, &[SUBPROTOCOL]).map_err(refused)
}
