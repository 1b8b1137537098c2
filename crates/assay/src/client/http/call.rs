//! Sending a call until there is an answer, bounded in time, size and tries.

use std::time::Duration;

use contracts::Problem;
use engine::retry::{RetryPolicy, Verdict};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Http;
use crate::client::Accepted;
use crate::client::error::ClientError;

/// For all of a call but a stream.
const CALL_TIME: Duration = Duration::from_secs(90);
/// Bytes of an answer: far more than a page of the largest jobs has.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How often a call is sent at the most.
const TRIES_MAX: u32 = 6;
/// A longer wait is for the person who called.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A call: sent again as it is, where the answer was lost.
pub(super) struct Call<'a> {
    method: Method,
    url: Url,
    body: Option<serde_json::Value>,
    idempotency_key: Option<&'a str>,
}

impl Call<'_> {
    /// The same, with a further parameter.
    pub(super) fn with_parameter(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The same, with this body.
    pub(super) fn with_body(self, body: serde_json::Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Http {
    pub(in crate::client) fn lost(&self, source: Option<reqwest::Error>) -> ClientError {
        let source = source.map(reqwest::Error::without_url);
        ClientError::Lost { server: self.base.clone(), source }
    }

    pub(in crate::client) fn not_understood(&self, detail: impl Into<String>) -> ClientError {
        ClientError::NotUnderstood {
            server: self.base.clone(),
            status: None,
            detail: detail.into(),
        }
    }

    pub(super) fn call(&self, method: Method, path: String) -> Call<'static> {
        let mut url = self.base.clone();
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Call { method, url, body: None, idempotency_key: None }
    }

    pub(super) fn post<'a>(&self, path: String, key: &'a str) -> Call<'a> {
        Call { idempotency_key: Some(key), ..self.call(Method::POST, path) }
    }

    pub(super) fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    pub(super) async fn accepted(&self, call: Call<'_>) -> Result<Accepted, ClientError> {
        let (headers, job) = self.answer(call).await?;
        let replayed = headers.get("idempotency-replayed");
        Ok(Accepted { job, replayed: replayed.is_some_and(|value| value == "true") })
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        Ok(self.answer(call).await?.1)
    }

    /// Sends a call until there is an answer, within reason. A server that cannot be reached at
    /// first is not waited for; one that went away in the middle is.
    async fn answer<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<(HeaderMap, T), ClientError> {
        let policy = RetryPolicy {
            initial: Duration::from_millis(250),
            max: Duration::from_secs(5),
            ..RetryPolicy::default()
        };
        let mut failures = 0;
        let mut lost: Option<ClientError> = None;
        loop {
            let error = match self.once(&call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let class = match (&error, &lost) {
                (ClientError::Unreachable { .. }, Some(lost)) => lost.class(),
                _ => error.class(),
            };
            match policy.verdict(failures, class, rand::random()) {
                Verdict::RetryAfter(wait) if failures + 1 < TRIES_MAX && wait <= WAIT_MAX => {
                    tokio::time::sleep(wait).await;
                }
                // What the first loss left open is the more important message.
                Verdict::RetryAfter(_) | Verdict::WaitFor(_) => {
                    return Err(lost.unwrap_or(error));
                }
                Verdict::GiveUp => return Err(error),
            }
            failures += 1;
            if lost.is_none() && matches!(error, ClientError::Lost { .. }) {
                lost = Some(error);
            }
        }
    }

    async fn once<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<(HeaderMap, T), ClientError> {
        let request = self.request(call).header(header::ACCEPT, "application/json");
        let mut response = self.checked(request.timeout(CALL_TIME)).await?;
        let headers = std::mem::take(response.headers_mut());
        let body = self.body(response).await?;
        let read = serde_json::from_slice(&body);
        Ok((headers, read.map_err(|error| self.not_understood(error.to_string()))?))
    }

    /// Sends a request; an answer that is not a good one becomes an error.
    pub(super) async fn checked(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let sent = request.send().await.map_err(|error| match error.is_connect() {
            true => {
                let source = error.without_url();
                ClientError::Unreachable { server: self.base.clone(), source }
            }
            false => self.lost(Some(error)),
        });
        let response = sent?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if media_type(&response) == "application/problem+json" {
            let body = self.body(response).await?;
            let problem = serde_json::from_slice::<Problem>(&body);
            return Err(match problem {
                Ok(problem) => ClientError::Refused(Box::new(problem)),
                // A kind of problem that this release does not know: its own words say it best.
                Err(_) => self.refused_otherwise(status, &String::from_utf8_lossy(&body)),
            });
        }
        let target = response.headers().get(header::LOCATION).map(HeaderValue::to_str);
        let said = match target {
            Some(Ok(target)) if status.is_redirection() => format!("it redirects to {target}"),
            Some(_) | None => String::new(),
        };
        Err(self.refused_otherwise(status, &said))
    }

    fn refused_otherwise(&self, status: StatusCode, said: &str) -> ClientError {
        let said = contracts::truncate_chars(said, 1_000);
        let detail = [status.to_string(), said.to_owned()].join(" ").trim().to_owned();
        ClientError::NotUnderstood { server: self.base.clone(), status: Some(status), detail }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|error| self.lost(Some(error)))? {
            if body.len() + bytes.len() > BODY_BYTES_MAX {
                let detail = format!("an answer has more than {BODY_BYTES_MAX} bytes");
                return Err(self.not_understood(detail));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }
}

/// What an answer is.
pub(super) fn media_type(response: &Response) -> &str {
    let value = response.headers().get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// A value that is sent.
pub(super) fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
