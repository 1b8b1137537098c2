//! Reading a request's body, bounded in size and time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Payload};
use contracts::{Code, limits};
use futures_util::StreamExt as _;

use crate::headers;
use crate::problem::ApiError;

/// The time that a client has to send its body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads a body that must be JSON.
pub(crate) async fn json(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    check_type(request)?;
    read(request, payload).await
}

/// Reads a body that is JSON or absent.
pub(crate) async fn optional_json(
    request: &HttpRequest,
    payload: Payload,
) -> Result<Bytes, ApiError> {
    let body = read(request, payload).await?;
    if !body.is_empty() {
        check_type(request)?;
    }
    Ok(body)
}

fn check_type(request: &HttpRequest) -> Result<(), ApiError> {
    let unsupported = |detail: &str| Err(ApiError::new(Code::UnsupportedMediaType, detail));
    match headers::text(request.headers(), &header::CONTENT_ENCODING) {
        None | Some("identity") => {}
        Some(_) => return unsupported("A compressed body is not read."),
    }
    match headers::text(request.headers(), &header::CONTENT_TYPE) {
        Some(content_type) if headers::is_json(content_type) => Ok(()),
        Some(_) | None => unsupported("Content-Type must be application/json, in UTF-8."),
    }
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let announced = headers::text(request.headers(), &header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > limits::REQUEST_BODY_BYTES_MAX {
        return Err(too_large());
    }
    tokio::time::timeout(BODY_TIME, collect(payload, announced)).await.unwrap_or_else(|_| {
        let seconds = BODY_TIME.as_secs();
        Err(ApiError::invalid(format!("The body did not arrive within {seconds} seconds.")))
    })
}

async fn collect(mut payload: Payload, announced: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::invalid("The body ended before its end."))?;
        if body.len() + chunk.len() > limits::REQUEST_BODY_BYTES_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large() -> ApiError {
    let max = limits::REQUEST_BODY_BYTES_MAX;
    ApiError::new(Code::PayloadTooLarge, format!("The body may have at most {max} bytes."))
}
