//! `GET /v1/analysis/{id}/events`: the log, as a page or as a stream.

use actix_web::http::{Method, header};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::limits;

use super::job_id;
use crate::access::{self, Ticket};
use crate::headers;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::State;
use crate::stream::{sse, websocket};

pub(crate) async fn handle(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    if websocket::is_asked_for(&request) {
        return websocket::serve_one(&state, &path, &request, payload).await;
    }
    let id = job_id(&path)?;
    let accept = headers::text(request.headers(), &header::ACCEPT).unwrap_or_default();
    let mut query = Parameters::of(request.query_string())?;
    let ticket = Ticket::shown(&request, &mut query)?;
    let tenant = access::to_job(&state, ticket, id).await?;
    // Of a stream there is nothing to tell without its body.
    if headers::wants_event_stream(accept) && *request.method() != Method::HEAD {
        return sse::serve(&state, (&tenant, id), &request, query).await;
    }
    let after = query.parse("after", "a version")?.unwrap_or(0);
    let limit = query.number("limit", limits::PAGE_SIZE)?.unwrap_or(limits::PAGE_SIZE_DEFAULT);
    query.finish()?;
    let page = state.jobs.events(&tenant, id, after, limit as usize).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Accept"))
        .json(page))
}
