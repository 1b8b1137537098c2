//! Errors: one form (RFC 9457) and one registry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::fields::FieldError;
use crate::limits::PROBLEM_DETAIL_CHARS_MAX;
use crate::text::truncate_chars;

/// What went wrong, for an HTTP answer, a job, an attempt or a stream alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Where the kind of problem is explained: `/v1/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status, on an HTTP answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// This occurrence, for the person who reads it.
    pub detail: String,
    /// The kind of problem, for programs.
    // One of a later release is read as `internal`: the other fields say what it is.
    #[serde(deserialize_with = "known_code")]
    #[cfg_attr(feature = "schema", schemars(with = "Code"))]
    pub code: Code,
    /// Whether trying again can help; `null` where nobody knows.
    pub retryable: Option<bool>,
    /// Seconds after which trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// Which part of the system noticed it.
    pub origin: Origin,
    /// The step it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The attempt it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The id of the trace it happened in.
    pub trace_id: String,
    /// The fields that are wrong, of an invalid request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What led to it, where it only sums something up (`attempts_exhausted`, `worker_lost`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// The problem behind a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// Its kind.
    #[serde(deserialize_with = "known_code")]
    #[cfg_attr(feature = "schema", schemars(with = "Code"))]
    pub code: Code,
    /// This occurrence.
    pub detail: String,
}

/// A job that a later release failed is shown, though this one does not know what for.
fn known_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let word = serde_json::Value::String(String::deserialize(deserializer)?);
    Ok(serde_json::from_value(word).unwrap_or(Code::Internal))
}

impl Problem {
    /// A problem of this kind, with the registry's answer to whether trying again helps. A detail
    /// longer than [`PROBLEM_DETAIL_CHARS_MAX`] is cut.
    #[must_use]
    pub fn new(code: Code, origin: Origin, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(truncate_chars(&detail, PROBLEM_DETAIL_CHARS_MAX).len());
        Self {
            kind: format!("/v1/problems/{code}"),
            title: code.title().to_owned(),
            status: None,
            detail,
            code,
            retryable: code.retryable(),
            retry_after_s: None,
            origin,
            step: None,
            attempt: None,
            trace_id: String::new(),
            errors: Vec::new(),
            cause: None,
        }
    }

    /// The same, in the trace with this id.
    #[must_use]
    pub fn in_trace(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = trace_id.into();
        self
    }

    /// The same, in this step.
    #[must_use]
    pub fn in_step(mut self, step: impl Into<String>) -> Self {
        self.step = Some(step.into());
        self
    }

    /// The same, as what `cause` led to.
    #[must_use]
    pub fn caused_by(mut self, cause: &Self) -> Self {
        self.cause = Some(Cause { code: cause.code, detail: cause.detail.clone() });
        self
    }
}

/// Which part of the system noticed a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The client's request or decision.
    Client,
    /// The gateway.
    Gateway,
    /// The queue: no worker took the job in time.
    Queue,
    /// A worker.
    Worker,
    /// A tool.
    Tool,
    /// A language model.
    Model,
    /// The documents.
    Source,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $title:literal, $retryable:expr;)*) => {
        /// The kinds of problem: one registry for the whole system.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The kind of problem, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Whether the same request can succeed later; `None` where nobody knows.
            #[must_use]
            pub const fn retryable(self) -> Option<bool> {
                match self { $(Self::$name => $retryable),* }
            }
        }
    };
}

codes! {
    /// The request breaks a rule of the contract.
    InvalidRequest = "invalid_request", "The request is invalid", Some(false);
    /// No valid credentials came with the request.
    Unauthorized = "unauthorized", "Credentials are missing or invalid", Some(false);
    /// The credentials do not allow this.
    Forbidden = "forbidden", "The credentials do not allow this", Some(false);
    /// There is no such thing, or it is another tenant's.
    NotFound = "not_found", "There is no such thing", Some(false);
    /// It was deleted, or its retention is over.
    Gone = "gone", "It existed and was deleted", Some(false);
    /// The idempotency key belongs to another request.
    IdempotencyKeyReused = "idempotency_key_reused",
        "The idempotency key was used for another request", Some(false);
    /// The cursor is beyond the newest event.
    CursorAhead = "cursor_ahead", "The cursor is ahead of the log", Some(false);
    /// The job has ended, otherwise than asked for.
    JobAlreadyTerminal = "job_already_terminal", "The job has already ended", Some(false);
    /// The job has not ended yet.
    JobNotTerminal = "job_not_terminal", "The job has not ended yet", Some(true);
    /// The tenant's quota is used up.
    QuotaExceeded = "quota_exceeded", "The quota is used up", Some(true);
    /// The server has no room for this now.
    CapacityReduced = "capacity_reduced", "The server has no capacity for this now", Some(true);
    /// Nobody knows whether it was done: of a request, ask again with the same idempotency key; of a
    /// tool's call, it is not made again.
    OutcomeUnknown = "outcome_unknown", "The outcome is unknown", None;
    /// The body or document is too large.
    PayloadTooLarge = "payload_too_large", "The payload is too large", Some(false);
    /// The body or document is of a type that is not read.
    UnsupportedMediaType = "unsupported_media_type", "The media type is not supported", Some(false);
    /// The document cannot be read.
    DocumentUnreadable = "document_unreadable", "The document cannot be read", Some(false);
    /// The job's deadline passed.
    DeadlineExceeded = "deadline_exceeded", "The deadline passed", Some(true);
    /// The job did not start in time.
    QueueTimeout = "queue_timeout", "The job did not start in time", Some(true);
    /// The client cancelled the job.
    CancelledByClient = "cancelled_by_client", "The client cancelled the job", Some(false);
    /// A tool could not be reached or failed.
    ToolUnavailable = "tool_unavailable", "A tool is unavailable", Some(true);
    /// A tool refused the call.
    ToolRejected = "tool_rejected", "A tool rejected the call", Some(false);
    /// The documents could not be searched.
    SourceUnreachable = "source_unreachable", "The documents cannot be reached", Some(true);
    /// The model could not be reached or failed.
    ModelUnavailable = "model_unavailable", "The model is unavailable", Some(true);
    /// The model's provider limits the rate of calls.
    ModelRateLimited = "model_rate_limited", "The model limits the rate of calls", Some(true);
    /// The model did not answer in time.
    ModelTimeout = "model_timeout", "The model did not answer in time", Some(true);
    /// The model refused to answer.
    ModelRefused = "model_refused", "The model refused to answer", Some(false);
    /// The model's answer does not keep the rules, such as a citation that does not resolve.
    ModelOutputInvalid = "model_output_invalid", "The model's answer is invalid", Some(true);
    /// The documents do not hold enough to answer from.
    InsufficientEvidence = "insufficient_evidence",
        "The documents do not hold enough evidence", Some(false);
    /// The job would have spent more than its budget.
    BudgetExceeded = "budget_exceeded", "The budget is used up", Some(false);
    /// The job's workers died again and again.
    WorkerLost = "worker_lost", "The job's workers died", None;
    /// Every attempt failed; `cause` has the last failure.
    AttemptsExhausted = "attempts_exhausted", "Every attempt failed", Some(true);
    /// An error of ours.
    Internal = "internal", "Internal error", Some(true);
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
