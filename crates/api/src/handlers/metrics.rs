//! `/metrics`

use actix_web::HttpResponse;
use actix_web::web::Data;
use telemetry::metrics::EXPOSITION_TYPE;

use crate::problem::ApiError;
use crate::routes;
use crate::state::State;

/// All that the process measures; nothing is here where nothing is shown.
pub(crate) async fn handle(state: Data<State>) -> Result<HttpResponse, ApiError> {
    match state.exposition.text() {
        Some(text) => Ok(HttpResponse::Ok().content_type(EXPOSITION_TYPE).body(text)),
        None => routes::no_such_address().await,
    }
}
