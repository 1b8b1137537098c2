//! The contract with a client, as documents: OpenAPI, AsyncAPI and a page to read.
//!
//! They are generated from the wire types by the tests of this module and kept beside it, so that
//! the server carries bytes and no library of schemas.

#[cfg(test)]
mod generate;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use crate::problem::ApiError;
use crate::query;

const OPENAPI: &str = include_str!("openapi.json");
const ASYNCAPI: &str = include_str!("asyncapi.json");
const DOCS: &str = include_str!("docs.html");

/// The page runs nothing and fetches nothing, and no other page may frame it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// `GET /openapi.json`: the calls, as OpenAPI 3.1.
pub(crate) async fn openapi(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    document(&request, OPENAPI)
}

/// `GET /asyncapi.json`: the streams, as AsyncAPI 3.0.
pub(crate) async fn asyncapi(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    document(&request, ASYNCAPI)
}

/// `GET /docs`: both, as a page to read.
pub(crate) async fn docs(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(DOCS))
}

fn document(request: &HttpRequest, json: &'static str) -> Result<HttpResponse, ApiError> {
    query::none(request.query_string())?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(json))
}
