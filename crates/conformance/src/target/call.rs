//! One call and its answer, bounded in time and size.

use std::fmt;
use std::time::Duration;

use contracts::truncate_chars;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::Target;
use crate::fault::{Checked, Fault, equal, holds};

/// A server has so long for an answer; the longest wait that a client may ask for is 60 s.
const ANSWER_TIME: Duration = Duration::from_secs(75);
/// Bytes of an answer: more than a page of the largest events has.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A call that is being put together.
pub(crate) struct Call<'a> {
    target: &'a Target,
    server: usize,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<reqwest::Body>,
    key: Key,
}

/// Whether a call shows the kit's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Shown,
    Withheld,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    call: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    json: Option<Value>,
    took: Duration,
}

impl<'a> Call<'a> {
    pub(super) fn new(target: &'a Target, server: usize, method: Method, path: &str) -> Self {
        let (path, headers) = (path.to_owned(), Vec::new());
        Self { target, server, method, path, headers, body: None, key: Key::Shown }
    }

    /// The same, to this server of the system.
    pub(crate) fn on_server(self, server: usize) -> Self {
        Self { server, ..self }
    }

    /// The same, with a further header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, with a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// The same, with a body whose type the caller says, or not.
    pub(crate) fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// The same, as somebody who has no key.
    pub(crate) fn without_key(self) -> Self {
        Self { key: Key::Withheld, ..self }
    }

    /// Where it goes.
    pub(crate) fn url(&self) -> Url {
        self.target.url(self.server, &self.path)
    }

    /// Sends it and reads the whole answer, which is held to the rules for all answers.
    pub(crate) async fn send(self) -> Checked<Answer> {
        let (target, call, began) = (self.target, self.to_string(), Instant::now());
        let answering = async {
            let response = self.response().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = read(response, &call).await?;
            let json = serde_json::from_slice(&body).ok();
            let took = began.elapsed();
            Ok(Answer { call: call.clone(), status, headers, body, json, took })
        };
        let answer = timeout(ANSWER_TIME, answering).await.unwrap_or_else(|_| {
            let seen = format!("{call}: no answer within {} s", ANSWER_TIME.as_secs());
            Err(Fault::breach(seen, "an answer"))
        })?;
        target.observed().see(&answer);
        Ok(answer)
    }

    /// Sends it; the answer's body is still to be read.
    pub(crate) async fn response(self) -> Checked<Response> {
        let call = self.to_string();
        let sent = timeout(ANSWER_TIME, self.builder().send()).await;
        match sent {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Fault::breach(
                format!("{call}: no answer: {}", chain(&error.without_url())),
                "an answer",
            )),
            Err(_) => Err(Fault::breach(format!("{call}: no answer"), "an answer")),
        }
    }

    fn builder(self) -> RequestBuilder {
        let url = self.url();
        let mut request = self.target.client.request(self.method, url);
        if let (Key::Shown, Some(key)) = (self.key, &self.target.key) {
            request = request.header(AUTHORIZATION, key.clone());
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        match self.body {
            Some(body) => request.body(body),
            None => request,
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Answer {
    /// The call that it answers.
    pub(crate) fn call(&self) -> &str {
        &self.call
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// From the call to the last byte.
    pub(crate) const fn took(&self) -> Duration {
        self.took
    }

    /// The value of a header; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The body without its type's parameters, such as `application/json`.
    pub(crate) fn media_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Checked<&Value> {
        self.json.as_ref().ok_or_else(|| Fault::breach(self.to_string(), "a JSON body"))
    }

    /// The body as a type of the contract.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Checked<T> {
        serde_json::from_value(self.json()?.clone()).map_err(|error| {
            let expected = format!("a body of the contract's form: {error}");
            Fault::breach(self.to_string(), expected)
        })
    }

    /// Itself, if it has this status.
    pub(crate) fn of_status(self, status: u16) -> Checked<Self> {
        self.of_one(&[status])
    }

    /// Itself, if it has one of these statuses.
    pub(crate) fn of_one(self, statuses: &[u16]) -> Checked<Self> {
        let words: Vec<String> = statuses.iter().map(u16::to_string).collect();
        holds(statuses.contains(&self.status), &self, format!("status {}", words.join(" or ")))?;
        Ok(self)
    }

    /// Itself, if it is a problem of this status and code. Its form is held to the registry where
    /// every answer is.
    pub(crate) fn problem(self, status: u16, code: &str) -> Checked<Self> {
        let answer = self.of_status(status)?;
        equal(format!("{}: the problem's code", answer.call), &answer.json()?["code"], code)?;
        Ok(answer)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{}: {} {}", self.call, self.status, truncate_chars(&body, 400))
    }
}

async fn read(mut response: Response, call: &str) -> Checked<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() <= BODY_BYTES_MAX => {
                body.extend_from_slice(&bytes);
            }
            Ok(Some(_)) => {
                let expected = format!("at most {BODY_BYTES_MAX} bytes");
                return Err(Fault::breach(format!("{call}: a larger body"), expected));
            }
            Ok(None) => return Ok(body),
            Err(error) => {
                let seen = format!("{call}: the answer broke off: {}", chain(&error.without_url()));
                return Err(Fault::breach(seen, "a whole answer"));
            }
        }
    }
}

/// An error and all that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
