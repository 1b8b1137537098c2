//! Every address of the gateway, on one screen.

use actix_web::guard;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route};

use crate::handlers::{
    cancel, delete, events, get_job, health, limits, list_jobs, problems, retry, submit, tickets,
};
use crate::problem::ApiError;
use crate::stream::websocket;
use contracts::Code;

/// Where a submission's `Location` begins.
pub(crate) const ANALYSIS: &str = "/v1/analysis";

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource(ANALYSIS, "GET, HEAD, POST")
                .route(web::post().to(submit::handle))
                .route(read().to(list_jobs::handle)),
        )
        // The job's own address is its WebSocket's, too.
        .service(
            resource("/v1/analysis/{id}", "GET, HEAD, DELETE")
                .route(read().to(get_job::handle))
                .route(web::delete().to(delete::handle)),
        )
        .service(resource("/v1/analysis/{id}/events", "GET, HEAD").route(read().to(events::handle)))
        .service(resource("/v1/analysis/{id}/cancel", "POST").route(web::post().to(cancel::handle)))
        .service(resource("/v1/analysis/{id}/retry", "POST").route(web::post().to(retry::handle)))
        .service(
            resource("/v1/analysis/{id}/tickets", "POST").route(web::post().to(tickets::for_job)),
        )
        .service(resource("/v1/tickets", "POST").route(web::post().to(tickets::for_jobs)))
        .service(resource("/v1/stream", "GET").route(web::get().to(websocket::serve_many)))
        .service(resource("/v1/limits", "GET, HEAD").route(read().to(limits::handle)))
        .service(resource("/v1/problems", "GET, HEAD").route(read().to(problems::list)))
        .service(resource("/v1/problems/{code}", "GET, HEAD").route(read().to(problems::show)))
        .configure(configure_health)
        .default_service(web::to(no_such_address));
}

/// How the process is.
pub(crate) fn configure_health(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz", "GET, HEAD").route(read().to(health::alive)))
        .service(resource("/readyz", "GET, HEAD").route(read().to(health::ready)))
        .default_service(web::to(no_such_address));
}

/// An address that refuses every method but those routed, naming these.
fn resource(path: &str, allow: &'static str) -> Resource {
    let refuse = move || async move { Err::<HttpResponse, _>(ApiError::method_not_allowed(allow)) };
    web::resource(path).default_service(web::to(refuse))
}

/// What can be read can be asked about without its body, too (RFC 9110, 9.3.2).
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn no_such_address() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(Code::NotFound, "There is nothing at this address."))
}
