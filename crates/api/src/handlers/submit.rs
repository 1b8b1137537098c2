//! `POST /v1/analysis`

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::{Job, Submission};
use engine::services::{Accepted, Jobs, SubmitOptions};

use super::about;
use crate::edge::RequestTrace;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::{State, tenant};
use crate::wait::{self, Until};
use crate::{body, headers, routes};

pub(crate) async fn handle(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let mut query = Parameters::of(request.query_string())?;
    let validate_only = query.parse("validate_only", "true or false")?.unwrap_or(false);
    query.finish()?;
    let idempotency_key = headers::idempotency_key(request.headers())?;
    let submission = Submission::parse(&body::json(&request, payload).await?)?;
    if validate_only {
        state.jobs.check(&submission)?;
        return Ok(HttpResponse::Ok().json(serde_json::json!({"valid": true})));
    }
    let options = SubmitOptions { idempotency_key, trace: Some(RequestTrace::of(&request).0) };
    let (jobs, tenant) = (state.jobs.clone(), tenant());
    let accepted = state.complete(async move { jobs.submit(&tenant, submission, options).await });
    answer(&state, accepted.await?, headers::preferred_wait(request.headers())).await
}

/// The answer to an accepted job, once it ended or the preferred wait is over.
pub(super) async fn answer(
    state: &State,
    accepted: Accepted,
    preferred: Option<Duration>,
) -> Result<HttpResponse, ApiError> {
    let Accepted { snapshot, replayed } = accepted;
    let mut job =
        if replayed { state.jobs.show(snapshot).await? } else { Jobs::show_created(snapshot) };
    if let Some(limit) = preferred {
        job = ended_or_latest(state, job, limit).await;
    }
    let shows_the_end = job.state.is_terminal() && (replayed || preferred.is_some());
    let status = if shows_the_end { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = about(&job, status);
    response.insert_header((header::LOCATION, format!("{}/{}", routes::ANALYSIS, job.id)));
    if let Some(limit) = preferred {
        let applied = format!("wait={}", limit.as_secs());
        response.insert_header((headers::PREFERENCE_APPLIED.clone(), applied));
    }
    if replayed {
        response.insert_header((headers::IDEMPOTENCY_REPLAYED.clone(), "true"));
    }
    Ok(response.json(job))
}

/// The job is durable, so a failure to follow it must not look like a failure to accept it: then
/// the snapshot that is at hand is the answer.
async fn ended_or_latest(state: &State, job: Job, limit: Duration) -> Job {
    let tenant = tenant();
    let place = (&tenant, job.id, job.version);
    if let Err(error) = wait::for_job(state, place, Until::End, limit).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            job_id = %job.id,
            "an accepted job was not waited for"
        );
        return job;
    }
    match state.jobs.get(&tenant, job.id).await {
        Ok(latest) => latest,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                job_id = %job.id,
                "an accepted job was not read again"
            );
            job
        }
    }
}
