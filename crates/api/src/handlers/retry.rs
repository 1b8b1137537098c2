//! `POST /v1/analysis/{id}/retry`

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::Code;
use contracts::request::parse_empty;
use engine::services::{RetryError, SubmitOptions};

use super::{job_id, submit};
use crate::edge::RequestTrace;
use crate::problem::ApiError;
use crate::state::{State, tenant};
use crate::{body, headers, query};

pub(crate) async fn handle(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&path)?;
    query::none(request.query_string())?;
    let idempotency_key = headers::idempotency_key(request.headers())?;
    // A repetition asks exactly what the job asked: its body can change nothing.
    parse_empty(&body::optional_json(&request, payload).await?)?;
    let options = SubmitOptions { idempotency_key, trace: Some(RequestTrace::of(&request).0) };
    let (jobs, tenant) = (state.jobs.clone(), tenant());
    let repeated = async move { Ok::<_, ApiError>(jobs.retry(&tenant, id, options).await) };
    match state.complete(repeated).await? {
        Ok(accepted) => {
            submit::answer(&state, accepted, headers::preferred_wait(request.headers())).await
        }
        Err(RetryError::NotFound) => Err(ApiError::no_such_job()),
        Err(RetryError::Gone) => Err(ApiError::job_gone()),
        Err(RetryError::NotTerminal(snapshot)) => {
            let job = state.jobs.show(*snapshot).await?;
            let detail = format!("The job has not ended: it is {}.", job.state);
            Err(ApiError::new(Code::JobNotTerminal, detail).with_job(job))
        }
        Err(RetryError::Submit(error)) => Err(error.into()),
    }
}
