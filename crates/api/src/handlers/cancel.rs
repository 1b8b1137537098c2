//! `POST /v1/analysis/{id}/cancel`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::CancelRequest;
use engine::services::CancelAnswer;

use super::{about, job_id};
use crate::problem::ApiError;
use crate::state::{State, tenant};
use crate::{body, query};

pub(crate) async fn handle(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&path)?;
    query::none(request.query_string())?;
    let body = body::optional_json(&request, payload).await?;
    let CancelRequest { reason } = CancelRequest::parse(&body)?;
    let (jobs, tenant) = (state.jobs.clone(), tenant());
    let answer = state.complete(async move { jobs.cancel(&tenant, id, reason).await }).await?;
    let (job, status) = match answer {
        CancelAnswer::Cancelled(job) => (job, StatusCode::OK),
        CancelAnswer::Cancelling(job) => (job, StatusCode::ACCEPTED),
    };
    Ok(about(&job, status).json(job))
}
