//! One use case a file: read the request, call the use case, render the answer.

pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod events;
pub(crate) mod get_job;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod list_jobs;
pub(crate) mod metrics;
pub(crate) mod problems;
pub(crate) mod retry;
pub(crate) mod submit;
pub(crate) mod tickets;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use contracts::{Job, JobId};

use crate::pace;
use crate::problem::ApiError;

/// The job that an address names. What is no id names no job.
fn job_id(text: &str) -> Result<JobId, ApiError> {
    text.parse().map_err(|_| ApiError::no_such_job())
}

/// An answer about a job; nobody may answer it again from a cache without asking.
fn about(job: &Job, status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if !job.state.is_terminal() {
        response.insert_header((header::RETRY_AFTER, pace::retry_after_s(job)));
    }
    response
}
