//! `GET /v1/analysis/{id}`: the job, at once or when it has moved on; with an upgrade its stream.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::result::{SimpleResult, Source};
use contracts::{AnalysisResult, Job, JobState};

use super::{about, job_id};
use crate::access::{self, Ticket};
use crate::headers;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::State;
use crate::stream::websocket;
use crate::wait::{self, Until};

pub(crate) async fn handle(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    if websocket::is_asked_for(&request) {
        return websocket::serve_one(&state, &path, &request, payload).await;
    }
    let id = job_id(&path)?;
    let mut query = Parameters::of(request.query_string())?;
    let ticket = Ticket::shown(&request, &mut query)?;
    let tenant = access::to_job(&state, ticket, id).await?;
    let asked = Asked::read(query)?;
    if let Some((after, limit)) = asked.change_after {
        wait::for_job(&state, (&tenant, id, after), Until::Change, limit).await?;
    }
    let job = state.jobs.get(&tenant, id).await?;
    let etag = format!("W/\"{}\"", job.version);
    let known = headers::text(request.headers(), &header::IF_NONE_MATCH);
    let status = match known {
        Some(known) if headers::none_match(known, &etag) => StatusCode::NOT_MODIFIED,
        Some(_) | None => StatusCode::OK,
    };
    let mut response = about(&job, status);
    response.insert_header((header::ETAG, etag));
    if status == StatusCode::NOT_MODIFIED {
        return Ok(response.finish());
    }
    Ok(match simple(&job).filter(|_| asked.simple_view) {
        Some(simple) => response.json(simple),
        None => response.json(job),
    })
}

/// What the query asks for.
struct Asked {
    simple_view: bool,
    /// Answer once the job is past this version, or after this time.
    change_after: Option<(u64, Duration)>,
}

impl Asked {
    fn read(mut query: Parameters) -> Result<Self, ApiError> {
        let simple_view = match query.text("view")?.as_deref() {
            None => false,
            Some("simple") => true,
            Some(_) => return Err(ApiError::invalid("The parameter view must be simple.")),
        };
        let after: Option<u64> = query.parse("after_version", "a version")?;
        let wait: Option<u64> = query.parse("wait", "a number of seconds")?;
        query.finish()?;
        let change_after = match (after, wait) {
            (Some(after), wait) => {
                let seconds = wait.unwrap_or(0).min(*headers::WAIT_S.end());
                Some((after, Duration::from_secs(seconds)))
            }
            (None, None) => None,
            (None, Some(_)) => {
                let detail = "The parameter wait needs after_version: the version to move on from.";
                return Err(ApiError::invalid(detail));
            }
        };
        Ok(Self { simple_view, change_after })
    }
}

/// A succeeded job in its simplest form.
fn simple(job: &Job) -> Option<SimpleResult> {
    let AnalysisResult { summary, sources, confidence, .. } =
        job.result.as_ref().filter(|_| job.state == JobState::Succeeded)?;
    Some(SimpleResult {
        summary: summary.clone(),
        sources: sources.iter().map(Source::place).collect(),
        confidence: confidence.value,
    })
}
