//! What every request passes through: its id and trace, the rule on origins, and the rendering of
//! problems.

use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use contracts::{Code, TraceContext};
use telemetry::metrics::http;
use telemetry::spans;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::cors::{self, Standing};
use crate::headers;
use crate::problem::ApiError;
use crate::routes::Addressed;
use crate::state::State;

/// The trace of a request: the caller's, or a new one.
///
/// Jobs belong to it, and problems are marked with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestTrace(pub(crate) TraceContext);

impl RequestTrace {
    /// The trace of this request.
    pub(crate) fn of(request: &actix_web::HttpRequest) -> Self {
        let kept = request.extensions().get::<Self>().copied();
        kept.unwrap_or_else(|| Self(TraceContext::begin(0.0)))
    }
}

/// The outermost layer of the gateway.
pub(crate) async fn edge(
    state: Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let addressed = Addressed::of(request.request());
    let is_of_client = addressed != Addressed::Admin;
    let measured = is_of_client.then(|| http::Request::begin(request.method().as_str()));
    let request_id = request_id(request.headers());
    let (span, trace) = spans::request(&spans::Request {
        method: request.method().as_str(),
        path: request.path(),
        route: addressed.route(),
        is_of_client,
        id: &request_id,
        trace: headers::trace(request.headers()).as_ref(),
    });
    request.extensions_mut().insert(RequestTrace(trace));
    let trace_id = trace.trace_id();
    let standing = state.origins.standing(request.headers());
    let origin = request.headers().get(header::ORIGIN).cloned();

    let response = answer(request, next, standing).instrument(span.clone()).await?;
    let mut response = span.in_scope(|| render(response, &trace_id));
    cors::mark(response.headers_mut(), origin, standing);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(headers::X_REQUEST_ID.clone(), value);
    }
    let status = response.status().as_u16();
    spans::answered(&span, status);
    if let Some(measured) = measured {
        measured.answered(addressed.route(), status);
    }
    span.in_scope(|| tracing::debug!(status, "answered"));
    Ok(response)
}

async fn answer(
    request: ServiceRequest,
    next: Next<BoxBody>,
    standing: Standing,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if cors::is_preflight(request.method(), request.headers()) {
        return Ok(match standing {
            Standing::Own | Standing::Listed => request.into_response(cors::preflight()),
            Standing::Foreign => request.error_response(foreign_origin()),
        });
    }
    // A foreign page can send a plain POST without asking first; it must not change anything.
    let reads_only = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if standing == Standing::Foreign && !reads_only {
        return Ok(request.error_response(foreign_origin()));
    }
    next.call(request).await
}

/// Renders the error of a handler, or of the framework, as a problem in this trace.
fn render(response: ServiceResponse<BoxBody>, trace_id: &str) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let problem = match error.as_error::<ApiError>() {
        Some(refused) => {
            refused.log();
            refused.render(trace_id)
        }
        None => of_the_framework(response.status(), error).render(trace_id),
    };
    with_response(response, problem)
}

fn with_response(
    response: ServiceResponse<BoxBody>,
    problem: HttpResponse,
) -> ServiceResponse<BoxBody> {
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, problem)
}

/// The framework's own errors carry text of its own, which no client needs.
fn of_the_framework(status: StatusCode, error: &Error) -> ApiError {
    tracing::debug!(%error, "refused by the web framework");
    if status.is_client_error() {
        ApiError::invalid("The request cannot be read.")
    } else {
        ApiError::internal(error.to_string())
    }
}

fn foreign_origin() -> ApiError {
    ApiError::new(Code::Forbidden, "Pages of this origin may not use this server.")
}

/// The caller's id if it is 1 to 128 visible ASCII characters, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers::text(headers, &headers::X_REQUEST_ID)
        .filter(|id| headers::is_visible_ascii(id, 1..=128))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
