//! Every address of the gateway, on one screen.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource};

use crate::handlers::{
    cancel, delete, events, get_job, health, limits, list_jobs, problems, retry, submit,
};
use crate::problem::ApiError;
use contracts::Code;

/// Where a submission's `Location` begins.
pub(crate) const ANALYSIS: &str = "/v1/analysis";

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource(ANALYSIS, "GET, POST")
                .route(web::post().to(submit::handle))
                .route(web::get().to(list_jobs::handle)),
        )
        // The job's own address is its WebSocket's, too.
        .service(
            resource("/v1/analysis/{id}", "GET, DELETE")
                .route(web::get().to(get_job::handle))
                .route(web::delete().to(delete::handle)),
        )
        .service(resource("/v1/analysis/{id}/events", "GET").route(web::get().to(events::handle)))
        .service(resource("/v1/analysis/{id}/cancel", "POST").route(web::post().to(cancel::handle)))
        .service(resource("/v1/analysis/{id}/retry", "POST").route(web::post().to(retry::handle)))
        .service(resource("/v1/limits", "GET").route(web::get().to(limits::handle)))
        .service(resource("/v1/problems", "GET").route(web::get().to(problems::list)))
        .service(resource("/v1/problems/{code}", "GET").route(web::get().to(problems::show)))
        .configure(configure_health)
        .default_service(web::to(no_such_address));
}

/// How the process is.
pub(crate) fn configure_health(config: &mut ServiceConfig) {
    config
        .service(
            resource("/healthz", "GET, HEAD")
                .route(web::get().to(health::alive))
                .route(web::head().to(health::alive)),
        )
        .service(
            resource("/readyz", "GET, HEAD")
                .route(web::get().to(health::ready))
                .route(web::head().to(health::ready)),
        )
        .default_service(web::to(no_such_address));
}

/// An address that refuses every method but those routed, naming these.
fn resource(path: &str, allow: &'static str) -> Resource {
    let refuse = move || async move { Err::<HttpResponse, _>(ApiError::method_not_allowed(allow)) };
    web::resource(path).default_service(web::to(refuse))
}

async fn no_such_address() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(Code::NotFound, "There is nothing at this address."))
}
