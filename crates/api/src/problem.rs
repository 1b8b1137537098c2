//! Errors as a client sees them, and the only table from code to HTTP status.

mod use_cases;

use std::error::Error as StdError;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use contracts::{Code, FieldError, Job, Origin, Problem};
use serde::Serialize;

/// Seconds after which a request that found the server unable makes sense again.
pub(crate) const RETRY_AFTER_S: u64 = 1;

/// The HTTP status of a problem of this kind. An answer that is more specific within its class
/// says so where it is made: [`ApiError::fields`] and [`ApiError::method_not_allowed`].
pub(crate) const fn status_of(code: Code) -> StatusCode {
    match code {
        Code::InvalidRequest => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Gone => StatusCode::GONE,
        Code::CursorAhead | Code::JobAlreadyTerminal | Code::JobNotTerminal => StatusCode::CONFLICT,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::IdempotencyKeyReused
        | Code::DocumentUnreadable
        | Code::InsufficientEvidence
        | Code::BudgetExceeded => StatusCode::UNPROCESSABLE_ENTITY,
        Code::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        Code::CapacityReduced | Code::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
        // What follows is told by a job's `error`, not by an HTTP answer; the status is what a
        // proxy would say.
        Code::DeadlineExceeded | Code::QueueTimeout | Code::ModelTimeout => {
            StatusCode::GATEWAY_TIMEOUT
        }
        Code::CancelledByClient => StatusCode::CONFLICT,
        Code::ToolUnavailable
        | Code::ToolRejected
        | Code::SourceUnreachable
        | Code::ModelUnavailable
        | Code::ModelRateLimited
        | Code::ModelRefused
        | Code::ModelOutputInvalid => StatusCode::BAD_GATEWAY,
        Code::WorkerLost | Code::AttemptsExhausted | Code::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// Why a request is not answered as asked: the client's words outside, the cause inside.
///
/// The source is for the log alone. Nothing of it reaches a body.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    problem: Problem,
    allow: Option<String>,
    job: Option<Job>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The body: RFC 9457, with the job as an extension member where it explains the refusal.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a Job>,
}

impl ApiError {
    /// An error of this kind, with the table's status.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = status_of(code);
        let origin = if status.is_client_error() { Origin::Client } else { Origin::Gateway };
        let mut problem = Problem::new(code, origin, detail);
        let always_says_when =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
        problem.retry_after_s = always_says_when.then_some(RETRY_AFTER_S);
        Self(Box::new(Parts { status, problem, allow: None, job: None, source: None }))
    }

    /// A request that breaks a rule outside its body's fields: 400.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// A body that was understood and has invalid fields: 422, each with its place.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields of the request are invalid; see errors.";
        let mut error = Self::new(Code::InvalidRequest, detail);
        error.0.status = StatusCode::UNPROCESSABLE_ENTITY;
        error.0.problem.errors = errors;
        error
    }

    /// The same answer for an unknown job and for another tenant's.
    pub(crate) fn no_such_job() -> Self {
        Self::new(Code::NotFound, "There is no such job.")
    }

    /// The job was deleted, by its client or at the end of its retention.
    pub(crate) fn job_gone() -> Self {
        Self::new(Code::Gone, "The job was deleted.")
    }

    /// The path exists, the method does not: 405.
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let mut error = Self::invalid(format!("This address answers to {allow} only."));
        error.0.status = StatusCode::METHOD_NOT_ALLOWED;
        error.0.allow = Some(allow);
        error
    }

    pub(crate) fn cursor_ahead(after: u64, head: u64) -> Self {
        let detail = format!("The cursor {after} is ahead of the log, which ends at {head}.");
        Self::new(Code::CursorAhead, detail)
    }

    /// An error of ours.
    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "Something went wrong in the server.").because(source)
    }

    /// The same, with the places in the body that it is about.
    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.problem.errors = errors;
        self
    }

    /// The same, where the client need not try again.
    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.problem.retryable = Some(false);
        self
    }

    /// The same, with the job that explains it.
    pub(crate) fn with_job(mut self, job: Job) -> Self {
        self.0.job = Some(job);
        self
    }

    /// The same, with what led to it, for the log.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The problem, as a stream's `stream.error` tells it.
    pub(crate) fn problem(&self, trace_id: &str) -> Problem {
        let mut problem = self.0.problem.clone().in_trace(trace_id);
        problem.status = Some(self.0.status.as_u16());
        problem
    }

    /// The answer.
    pub(crate) fn render(&self, trace_id: &str) -> HttpResponse {
        let problem = self.problem(trace_id);
        let mut response = HttpResponse::build(self.0.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = problem.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 15.5.2: a 401 says how to do better.
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(allow) = &self.0.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        let body = Body { problem: &problem, job: self.0.job.as_ref() };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        response.content_type("application/problem+json").body(json)
    }

    /// Writes the cause to the log, once, with its whole chain. An error that the client can read
    /// all about in its answer is not logged.
    pub(crate) fn log(&self) {
        let Some(source) = &self.0.source else { return };
        let (code, cause) = (self.0.problem.code, chain(source.as_ref()));
        if self.0.status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(%code, cause, "request not served");
        } else {
            tracing::error!(%code, cause, "request failed");
        }
    }
}

/// An error and all that led to it, in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.problem.code, self.0.problem.detail)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.render("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::{MessageBody as _, to_bytes};
    use engine::ports::StoreError;

    async fn rendered(error: ApiError) -> (StatusCode, serde_json::Value, String) {
        let response = error.render("4bf92f3577b34da6a3ce929d0e0e4736");
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = to_bytes(response.into_body().boxed()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap(), retry_after)
    }

    #[test]
    fn every_code_has_its_status() {
        let table: String = Code::ALL
            .iter()
            .map(|code| format!("{code} {}\n", status_of(*code).as_u16()))
            .collect();
        insta::assert_snapshot!("status_table", table);
    }

    #[tokio::test]
    async fn what_is_worth_repeating_says_when() {
        for code in [Code::QuotaExceeded, Code::CapacityReduced, Code::OutcomeUnknown] {
            let (status, body, retry_after) = rendered(ApiError::new(code, "")).await;
            assert!([429, 503].contains(&status.as_u16()));
            assert_eq!(body["retry_after_s"], 1);
            assert_eq!(retry_after, "1");
        }
    }

    #[tokio::test]
    async fn internal_text_never_reaches_a_body() {
        for error in [
            StoreError::Unavailable("secret".into()),
            StoreError::OutcomeUnknown("secret".into()),
            StoreError::Rejected("secret".into()),
        ] {
            let (_, body, _) = rendered(ApiError::from(error)).await;
            assert!(!body.to_string().contains("secret"), "{body}");
        }
        let (_, body, _) = rendered(ApiError::internal("secret")).await;
        assert!(!body.to_string().contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_neither_retryable_nor_not() {
        let error = ApiError::from(StoreError::OutcomeUnknown("".into()));
        let (status, body, retry_after) = rendered(error).await;
        assert_eq!(status, 503);
        assert_eq!(retry_after, "1");
        assert!(body["retryable"].is_null() && body.as_object().unwrap().contains_key("retryable"));
    }

    #[tokio::test]
    async fn invalid_fields_are_422_with_their_places() {
        let errors = vec![FieldError { pointer: "/a".to_owned(), detail: "is bad".to_owned() }];
        let (status, body, _) = rendered(ApiError::fields(errors)).await;
        assert_eq!((status.as_u16(), &body["status"]), (422, &422.into()));
        assert_eq!(body["errors"][0]["pointer"], "/a");
        assert_eq!(body["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }
}
