//! `GET /v1/limits`

use actix_web::{HttpRequest, HttpResponse};
use contracts::limits::Limits;

use crate::problem::ApiError;
use crate::query;

pub(crate) async fn handle(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(Limits::IN_FORCE))
}
