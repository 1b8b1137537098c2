//! `POST /v1/analysis/{id}/tickets` and `POST /v1/tickets`

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::request::parse_empty;
use contracts::{Code, FieldError, Ticket, TicketRequest};
use engine::services::{MissingJob, TicketError};

use super::job_id;
use crate::problem::ApiError;
use crate::state::{State, tenant};
use crate::{body, query};

/// A ticket for one job.
pub(crate) async fn for_job(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&path)?;
    query::none(request.query_string())?;
    parse_empty(&body::optional_json(&request, payload).await?)?;
    match state.jobs.issue_ticket(&tenant(), &[id]).await {
        Ok(ticket) => Ok(issued(&ticket)),
        Err(TicketError::Missing(missing)) => Err(if missing.iter().any(|job| job.is_gone) {
            ApiError::job_gone()
        } else {
            ApiError::no_such_job()
        }),
        Err(TicketError::Store(error)) => Err(error.into()),
    }
}

/// A ticket for many.
pub(crate) async fn for_jobs(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    let TicketRequest { jobs } = TicketRequest::parse(&body::json(&request, payload).await?)?;
    match state.jobs.issue_ticket(&tenant(), &jobs).await {
        Ok(ticket) => Ok(issued(&ticket)),
        Err(TicketError::Missing(missing)) => {
            let places = missing.into_iter().map(place).collect();
            let detail = "Some of these jobs are not there; see errors.";
            Err(ApiError::new(Code::NotFound, detail).with_errors(places))
        }
        Err(TicketError::Store(error)) => Err(error.into()),
    }
}

fn place(MissingJob { index, is_gone }: MissingJob) -> FieldError {
    let detail = if is_gone { "the job was deleted" } else { "there is no such job" };
    FieldError { pointer: format!("/jobs/{index}"), detail: detail.to_owned() }
}

/// A ticket is a secret: nobody keeps the answer.
fn issued(ticket: &Ticket) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::CREATED);
    response.insert_header((header::CACHE_CONTROL, "no-store")).json(ticket)
}
