//! `/healthz` and `/readyz`

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use contracts::JobId;
use engine::services::QueryError;
use serde_json::json;
use uuid::Uuid;

use crate::problem::RETRY_AFTER_S;
use crate::state::{State, tenant};

/// The time the store has to answer.
const STORE_TIME: Duration = Duration::from_secs(2);

/// The process lives.
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// The gateway takes requests and can serve them; else the failing check is named.
pub(crate) async fn ready(state: Data<State>) -> HttpResponse {
    let failing = if state.draining.is_cancelled() {
        "draining"
    } else if !store_answers(&state).await {
        "store"
    } else {
        return HttpResponse::Ok().json(json!({"status": "ready"}));
    };
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, RETRY_AFTER_S))
        .json(json!({"status": "not_ready", "failing": failing}))
}

/// A store that knows that there is no such job can be read.
async fn store_answers(state: &State) -> bool {
    let nobody = JobId::from_uuid(Uuid::nil());
    match tokio::time::timeout(STORE_TIME, state.jobs.get(&tenant(), nobody)).await {
        Ok(
            Ok(_) | Err(QueryError::NotFound | QueryError::Gone | QueryError::CursorAhead { .. }),
        ) => true,
        Ok(Err(QueryError::Store(error))) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "not ready: the store does not answer"
            );
            false
        }
        Err(_) => false,
    }
}
