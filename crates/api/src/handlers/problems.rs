//! `GET /v1/problems` and `GET /v1/problems/{code}`: the registry of errors.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use contracts::Code;
use serde::Serialize;

use crate::problem::{ApiError, status_of};
use crate::query;

/// One kind of problem.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ProblemKind"))]
pub(crate) struct Entry {
    /// The kind of problem, for programs.
    code: Code,
    /// Where it is explained.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem, in a few words.
    title: &'static str,
    /// The HTTP status it is told with, where it is the answer to a request.
    status: u16,
    /// Whether trying again can help; `null` where nobody knows.
    retryable: Option<bool>,
}

impl Entry {
    fn of(code: Code) -> Self {
        Self {
            code,
            kind: format!("/v1/problems/{code}"),
            title: code.title(),
            status: status_of(code).as_u16(),
            retryable: code.retryable(),
        }
    }
}

pub(crate) async fn list(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    let problems: Vec<Entry> = Code::ALL.iter().copied().map(Entry::of).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({"problems": problems})))
}

pub(crate) async fn show(
    code: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    let found = Code::ALL.iter().copied().find(|known| known.as_str() == code.as_str());
    let found = found.ok_or_else(|| ApiError::new(Code::NotFound, "There is no such code."))?;
    Ok(HttpResponse::Ok().json(Entry::of(found)))
}
