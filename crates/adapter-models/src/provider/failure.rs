//! What a provider's failures mean: the one table, documented in docs/models.md.

use std::io;
use std::time::Duration;

use contracts::truncate_chars;
use engine::ports::ModelError;
use serde_json::Value;

use super::settings::ApiKey;

/// Characters of a provider's own words that are shown.
const WORDS_CHARS_MAX: usize = 300;

/// Why there is no connection, as the system says it.
const CAUSES: [(io::ErrorKind, &str); 7] = [
    (io::ErrorKind::ConnectionRefused, "connection refused"),
    (io::ErrorKind::ConnectionReset, "connection reset"),
    (io::ErrorKind::NetworkUnreachable, "no way to its address"),
    (io::ErrorKind::HostUnreachable, "no way to its address"),
    (io::ErrorKind::TimedOut, "no connection in time"),
    // What the other side says in a handshake is no TLS, or none that is trusted.
    (io::ErrorKind::InvalidData, "TLS failed"),
    (io::ErrorKind::UnexpectedEof, "TLS failed"),
];

/// A provider's answer that is no success.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    /// Its status.
    pub(super) status: u16,
    /// After which it wants to be asked again.
    pub(super) retry_after: Option<Duration>,
    /// What it says, as JSON or as text.
    pub(super) body: &'a str,
    /// What must not be shown.
    pub(super) key: Option<&'a ApiKey>,
}

impl Failure<'_> {
    /// What it means.
    pub(super) fn error(&self) -> ModelError {
        let said = Said::of(self.body);
        let status = self.status;
        let words = shown(&said.message, self.key);
        let told = || match words.as_str() {
            "" => format!("its provider answered with status {status}"),
            words => format!("its provider answered with status {status}: {words}"),
        };
        let unavailable =
            || ModelError::Unavailable { detail: told(), retry_after: self.retry_after };
        match status {
            // Providers repeat keys in such answers, so their words are left out.
            401 | 403 => ModelError::Misconfigured(format!(
                "its provider refuses the credentials (status {status})"
            )),
            402 => ModelError::Misconfigured("its provider wants to be paid (status 402)".into()),
            // OpenAI says so with the status of a limit, and waiting does not help.
            429 if said.kind == "insufficient_quota" => ModelError::Misconfigured(
                "its provider's quota is used up (status 429, insufficient_quota)".into(),
            ),
            429 => ModelError::RateLimited { retry_after: self.retry_after },
            400 | 413 | 422 => ModelError::Refused(told()),
            408 | 409 | 425 => unavailable(),
            300..=499 => ModelError::Misconfigured(told()),
            _ => unavailable(),
        }
    }
}

/// An error that a stream tells of in its middle, under a status that it had no more.
pub(super) fn told(event: &Value, key: Option<&ApiKey>) -> ModelError {
    let body = event.to_string();
    let said = Said::of(&body);
    let status = said.status.unwrap_or(match said.kind.as_str() {
        "overloaded_error" => 529,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "invalid_request_error" | "BadRequestError" | "context_length_exceeded" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "request_too_large" => 413,
        "timeout_error" => 504,
        // "api_error", "server_error", and what has no name that we know.
        _ => 500,
    });
    Failure { status, retry_after: None, body: &body, key }.error()
}

/// A request that got no answer, or an answer that broke off.
pub(super) fn broken(error: &reqwest::Error) -> ModelError {
    let detail = if error.is_connect() && error.is_timeout() {
        "its provider cannot be reached: no connection in time".to_owned()
    } else if error.is_connect() {
        format!("its provider cannot be reached: {}", cause(error))
    } else {
        "the connection to its provider broke".to_owned()
    };
    ModelError::Unavailable { detail, retry_after: None }
}

/// Why there is no connection, in words without addresses.
fn cause(error: &reqwest::Error) -> &'static str {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        // The HTTP library names this cause in words alone.
        if inner.to_string().starts_with("dns error") {
            return "its name cannot be resolved";
        }
        let io = inner.downcast_ref::<io::Error>();
        if let Some(words) = io.and_then(io_cause) {
            return words;
        }
        source = inner.source();
    }
    "no connection"
}

/// What the system says, which TLS wraps once more.
fn io_cause(error: &io::Error) -> Option<&'static str> {
    let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    let known = CAUSES.iter().find(|(kind, _)| *kind == error.kind());
    wrapped.and_then(io_cause).or(known.map(|(_, words)| *words))
}

/// What an error body says, whoever wrote it.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// The provider's name for the error.
    kind: String,
    status: Option<u16>,
}

impl Said {
    fn of(body: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            // A page of some proxy says nothing that helps.
            let message = if body.trim_start().starts_with('<') { "" } else { body };
            return Self { message: message.to_owned(), ..Self::default() };
        };
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(&value);
        let text = |field: &str| error[field].as_str().map(str::to_owned);
        let message = error.as_str().map(str::to_owned);
        let message = message.or_else(|| text("message")).or_else(|| text("detail"));
        let number = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
        // A code is more exact than a type where there are both.
        let kind = text("code").or_else(|| text("type")).unwrap_or_default();
        Self {
            message: message.unwrap_or_default(),
            kind,
            status: number.filter(|status| (400..600).contains(status)),
        }
    }
}

/// A provider's words as they may be shown: on one line, without the key, not too many.
fn shown(words: &str, key: Option<&ApiKey>) -> String {
    let words = match key {
        Some(key) => words.replace(key.expose(), "…"),
        None => words.to_owned(),
    };
    let words: String =
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    truncate_chars(&words, WORDS_CHARS_MAX).to_owned()
}
