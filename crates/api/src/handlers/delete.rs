//! `DELETE /v1/analysis/{id}`

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::job_id;
use crate::problem::ApiError;
use crate::query;
use crate::state::{State, tenant};

pub(crate) async fn handle(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id = job_id(&path)?;
    query::none(request.query_string())?;
    let (jobs, tenant) = (state.jobs.clone(), tenant());
    state.complete(async move { jobs.delete(&tenant, id).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}
