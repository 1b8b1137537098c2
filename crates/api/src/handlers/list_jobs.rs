//! `GET /v1/analysis`: jobs, newest first.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::{JobPage, JobState, TenantId, limits};
use engine::ports::JobFilter;
use engine::services::ListQuery;

use crate::page_token;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::{State, tenant};

pub(crate) async fn handle(
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let tenant = tenant();
    let query = read(&tenant, request.query_string())?;
    let (jobs, next) = state.jobs.list(&tenant, &query).await?;
    let next_page_token = next.map(|place| page_token::encode(&tenant, &query.filter, place));
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .json(JobPage { jobs, next_page_token }))
}

fn read(tenant: &TenantId, query: &str) -> Result<ListQuery, ApiError> {
    const TIME: &str = "a time such as 2026-11-22T15:57:41Z";
    let mut query = Parameters::of(query)?;
    let filter = JobFilter {
        state: query.text("state")?.map(|name| read_state(&name)).transpose()?,
        company_name: query.text("company")?.map(|company| company.trim().to_owned()),
        labels: query.prefixed("label.")?.into_iter().collect(),
        created_after: query.parse("created_after", TIME)?,
        created_before: query.parse("created_before", TIME)?,
        idempotency_key: query.text("idempotency_key")?,
    };
    let page_size = query.number("page_size", limits::PAGE_SIZE)?;
    let token = query.text("page_token")?;
    query.finish()?;
    let place = |token: String| {
        let detail = "The parameter page_token belongs to no page of this list: a token is good \
                      for the filters that it was given for.";
        page_token::decode(tenant, &filter, &token).ok_or_else(|| ApiError::invalid(detail))
    };
    let cursor = token.map(place).transpose()?;
    let page_size = page_size.unwrap_or(limits::PAGE_SIZE_DEFAULT) as usize;
    Ok(ListQuery { filter, cursor, page_size })
}

fn read_state(name: &str) -> Result<JobState, ApiError> {
    JobState::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
        ApiError::invalid(format!("The parameter state must be one of {}.", known.join(", ")))
    })
}
