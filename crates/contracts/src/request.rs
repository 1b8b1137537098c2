//! What a client asks for, and the rules it must keep.
//!
//! A request is read completely before it is refused, so that one answer names every error with
//! a JSON Pointer. Unknown fields are errors: a misspelt option that is silently ignored costs
//! its sender more than a refusal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::{FieldError, Fields, escape};
use crate::ids::DocumentId;
use crate::limits;
#[cfg(feature = "schema")]
use crate::schema;

/// Why a body is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not JSON at all: a client's programming error (400).
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// JSON that breaks a rule of the contract (422), each breach with its place.
    #[error("{} of the request's fields are invalid", .0.len())]
    Invalid(Vec<FieldError>),
}

/// A request for one analysis, validated and trimmed, as it was sent: defaults are not filled in,
/// so that two requests are the same request exactly when they are equal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = schema::submission))]
pub struct Submission {
    /// The company that is asked about.
    pub company_name: String,
    /// The question.
    pub question: String,
    /// Seconds from creation after which the job ends, whatever it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// Seconds from creation by which the job must have started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout_s: Option<u32>,
    /// Failed attempts after which the job is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// 0 to 9; a higher one starts earlier among its tenant's jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// What becomes of a job whose evidence was found but whose model step failed for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_step_failure: Option<OnStepFailure>,
    /// The client's own marks, to find the job by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Where to announce the job's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// The model that writes the answer; the server's default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the job may spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The only documents to answer from; all of the company's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<DocumentId>>,
}

/// What becomes of a job whose evidence was found but whose model step failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnStepFailure {
    /// The job ends as `failed`, with a `partial_result`.
    Fail,
    /// The job ends as `succeeded`, `completeness: partial`, with the sources and the gaps.
    #[default]
    Partial,
}

/// Where to announce a job's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = schema::webhook))]
pub struct Webhook {
    /// An http or https address.
    pub url: String,
    /// The event types to announce; the terminal ones if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
}

/// What a job may spend. A job that would spend more ends as `budget_exceeded`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = schema::budget))]
pub struct Budget {
    /// Tokens, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_usd: Option<f64>,
    /// Calls of models and tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
}

impl Submission {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`RequestError::Malformed`] if it is not JSON, else [`RequestError::Invalid`] with every
    /// breach of a rule.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        Self::from_value(parse_json(body)?)
    }

    /// Reads a request from JSON.
    ///
    /// # Errors
    /// [`RequestError::Invalid`] with every breach of a rule.
    pub fn from_value(value: Value) -> Result<Self, RequestError> {
        let mut errors = Vec::new();
        let mut fields = Fields::of(value, "", &mut errors);
        let submission = Self {
            company_name: fields.required_text("company_name", limits::COMPANY_NAME_CHARS),
            question: fields.required_text("question", limits::QUESTION_CHARS),
            timeout_s: fields.optional_integer("timeout_s", limits::TIMEOUT_S),
            queue_timeout_s: fields.optional_integer("queue_timeout_s", limits::QUEUE_TIMEOUT_S),
            max_attempts: fields.optional_integer("max_attempts", limits::MAX_ATTEMPTS),
            priority: fields.optional_integer("priority", limits::PRIORITY),
            on_step_failure: fields.optional_word("on_step_failure", "\"fail\", \"partial\""),
            labels: read_labels(&mut fields),
            webhook: read_webhook(&mut fields),
            model: fields.optional_text("model", limits::MODEL_CHARS),
            budget: read_budget(&mut fields),
            document_ids: fields.optional_array("document_ids", limits::DOCUMENT_IDS_MAX, |item| {
                item.as_str().and_then(|id| id.parse().ok()).ok_or("must be a document id")
            }),
        };
        fields.finish();
        if errors.is_empty() { Ok(submission) } else { Err(RequestError::Invalid(errors)) }
    }
}

/// The body of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = schema::cancel_request))]
pub struct CancelRequest {
    /// Why, in the client's words; kept in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CancelRequest {
    /// Reads a cancellation's body; an empty body gives no reason.
    ///
    /// # Errors
    /// As [`Submission::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let mut errors = Vec::new();
        let mut fields = Fields::of(parse_json(body)?, "", &mut errors);
        let reason = fields.optional_text("reason", limits::CANCEL_REASON_CHARS);
        fields.finish();
        if errors.is_empty() { Ok(Self { reason }) } else { Err(RequestError::Invalid(errors)) }
    }
}

/// Reads the body of a call that has nothing to say: absent, or an object without fields.
///
/// # Errors
/// As [`Submission::parse`].
pub fn parse_empty(body: &[u8]) -> Result<(), RequestError> {
    if body.is_empty() {
        return Ok(());
    }
    let mut errors = Vec::new();
    Fields::of(parse_json(body)?, "", &mut errors).finish();
    if errors.is_empty() { Ok(()) } else { Err(RequestError::Invalid(errors)) }
}

/// serde_json refuses invalid UTF-8 and more than 128 levels of nesting.
pub(crate) fn parse_json(body: &[u8]) -> Result<Value, RequestError> {
    serde_json::from_slice(body).map_err(|error| RequestError::Malformed(error.to_string()))
}

fn read_labels(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(value) = fields.take("labels") else { return BTreeMap::new() };
    let base = fields.pointer("labels");
    let mut labels = BTreeMap::new();
    let mut inner = Fields::of(value, &base, fields.errors());
    let given = inner.remaining();
    if given.len() > limits::LABELS_MAX {
        let detail = format!("must have at most {} labels", limits::LABELS_MAX);
        inner.errors().push(FieldError { pointer: base, detail });
        return labels;
    }
    for (key, value) in given {
        if !limits::LABEL_KEY_CHARS.contains(&key.chars().count()) || key.contains('\0') {
            let detail = format!(
                "a key must have {} to {} characters and no NUL",
                limits::LABEL_KEY_CHARS.start(),
                limits::LABEL_KEY_CHARS.end()
            );
            inner.refuse(&escape(&key), &detail);
        } else if let Some(text) = inner.text(&escape(&key), value, limits::LABEL_VALUE_CHARS) {
            labels.insert(key, text);
        }
    }
    labels
}

fn read_webhook(fields: &mut Fields<'_>) -> Option<Webhook> {
    let value = fields.take("webhook")?;
    let base = fields.pointer("webhook");
    let mut inner = Fields::of(value, &base, fields.errors());
    let url = inner.required_text("url", limits::WEBHOOK_URL_CHARS);
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        inner.refuse("url", "must be an http or https address");
    }
    let events = inner.optional_array("events", limits::WEBHOOK_EVENTS_MAX, |item| {
        item.as_str().map(str::to_owned).ok_or("must be an event type")
    });
    inner.finish();
    Some(Webhook { url, events })
}

fn read_budget(fields: &mut Fields<'_>) -> Option<Budget> {
    let value = fields.take("budget")?;
    let base = fields.pointer("budget");
    let mut inner = Fields::of(value, &base, fields.errors());
    let budget = Budget {
        max_tokens: inner.optional_integer("max_tokens", limits::BUDGET_TOKENS),
        max_cost_usd: inner.optional_positive_number("max_cost_usd"),
        max_calls: inner.optional_integer("max_calls", limits::BUDGET_CALLS),
    };
    inner.finish();
    Some(budget)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn pointers(body: Value) -> Vec<String> {
        match Submission::from_value(body) {
            Err(RequestError::Invalid(errors)) => errors.into_iter().map(|e| e.pointer).collect(),
            Err(RequestError::Malformed(_)) | Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn text_is_trimmed_and_defaults_are_not_filled_in() {
        let body = br#"{"company_name": " 3M ", "question": "\tWhy?\n"}"#;
        let expected = Submission {
            company_name: "3M".to_owned(),
            question: "Why?".to_owned(),
            ..Submission::default()
        };
        assert_eq!(Submission::parse(body).unwrap(), expected);
    }

    #[test]
    fn every_error_is_found_and_located() {
        let body = json!({
            "company_name": "  ", "question": "a\u{0}b", "timeout_s": 4, "max_attempts": "3",
            "on_step_failure": "panic", "labels": {"a/b": 1, "": "x"}, "webhook": {"url": "ftp://x"},
            "budget": {"max_calls": 0, "more": 1}, "document_ids": ["x"], "colour": "red",
        });
        let mut found = pointers(body);
        found.sort();
        assert_eq!(
            found,
            [
                "/budget/max_calls",
                "/budget/more",
                "/colour",
                "/company_name",
                "/document_ids/0",
                "/labels/",
                "/labels/a~1b",
                "/max_attempts",
                "/on_step_failure",
                "/question",
                "/timeout_s",
                "/webhook/url",
            ]
        );
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        let exactly = json!({"company_name": "ä".repeat(200), "question": "q"});
        assert!(Submission::from_value(exactly).is_ok());
        let over = json!({"company_name": "ä".repeat(201), "question": "q"});
        assert_eq!(pointers(over), ["/company_name"]);
    }

    #[test]
    fn what_is_no_json_is_malformed_and_what_is_no_object_is_invalid() {
        let deep = "[".repeat(100_000);
        for body in [&b"{"[..], b"", b"\xff", deep.as_bytes()] {
            assert!(matches!(Submission::parse(body), Err(RequestError::Malformed(_))));
        }
        assert_eq!(pointers(json!([])), ["", "/company_name", "/question"]);
    }

    #[test]
    fn a_call_that_has_nothing_to_say_takes_no_field() {
        for empty in [&b""[..], b"{}", b" {}\n"] {
            assert_eq!(parse_empty(empty), Ok(()));
        }
        let Err(RequestError::Invalid(errors)) = parse_empty(br#"{"a/b": 1}"#) else {
            panic!("a field was taken");
        };
        assert_eq!(errors[0].pointer, "/a~1b");
        for no_json in [&b"{"[..], b" ", b"\n"] {
            assert!(matches!(parse_empty(no_json), Err(RequestError::Malformed(_))));
            assert!(matches!(CancelRequest::parse(no_json), Err(RequestError::Malformed(_))));
        }
    }

    proptest! {
        #[test]
        fn an_accepted_request_reads_back_as_itself(
            company in "[a-zA-Z0-9 ]{0,250}", question in "\\PC{0,60}",
            timeout in proptest::option::of(0u32..4_000),
        ) {
            let body = json!({"company_name": company, "question": question, "timeout_s": timeout});
            if let Ok(first) = Submission::from_value(body) {
                let again = Submission::from_value(serde_json::to_value(&first).unwrap()).unwrap();
                prop_assert_eq!(first, again);
            }
        }
    }
}
