//! Why a call to the jobs did not do what it was for.

use std::time::Duration;

use adapter_embedded::DataDirError;
use contracts::{Code, Origin, Problem};
use engine::ErrorClass;
use engine::ports::StoreError;
use engine::services::{CancelError, FollowError, QueryError, RetryError, SubmitError};
use reqwest::{StatusCode, Url};

use crate::render;

/// Why a call did not do what it was for. Its text and its sources are for the person who called.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The call was understood and refused: the problem says why.
    #[error("{}", render::problem(.0))]
    Refused(Box<Problem>),
    /// No connection to the server: nothing was sent.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// The server.
        server: Url,
        /// What failed.
        source: reqwest::Error,
    },
    /// The connection broke before the answer was read: the call may have been carried out.
    #[error("the connection to {server} was lost")]
    Lost {
        /// The server.
        server: Url,
        /// What failed; `None` if the server just ended it.
        source: Option<reqwest::Error>,
    },
    /// What answers does not speak this contract.
    #[error("{server} does not answer as Assay would: {detail}")]
    NotUnderstood {
        /// The server.
        server: Url,
        /// Its status, where that is all there is to say.
        status: Option<StatusCode>,
        /// What it said.
        detail: String,
    },
    /// No connection can be set up at all: there are no root certificates, for example.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// The store of this process failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// This process's own system cannot be put together.
    #[error("{0:#}")]
    System(anyhow::Error),
}

impl ClientError {
    /// Whether the same call may succeed a moment later. Safe for every call of this client: those
    /// that change something carry an idempotency key, or are idempotent by nature.
    pub(super) fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(problem) => {
                let retry_after = problem.retry_after_s.map(Duration::from_secs);
                match problem.status {
                    Some(429) => ErrorClass::RateLimited { retry_after },
                    Some(502..=504) => ErrorClass::Transient { retry_after },
                    Some(_) | None => ErrorClass::Permanent,
                }
            }
            Self::Lost { .. } | Self::Store(StoreError::Unavailable(_)) => {
                ErrorClass::Transient { retry_after: None }
            }
            Self::Store(StoreError::OutcomeUnknown(_)) => {
                ErrorClass::Transient { retry_after: None }
            }
            Self::NotUnderstood { status: Some(status), .. }
                if (502..=504).contains(&status.as_u16()) =>
            {
                ErrorClass::Transient { retry_after: None }
            }
            Self::Unreachable { .. }
            | Self::NotUnderstood { .. }
            | Self::Setup(_)
            | Self::Store(StoreError::Rejected(_))
            | Self::DataDir(_)
            | Self::System(_) => ErrorClass::Permanent,
        }
    }

    /// What the person who called can do about it.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "Is it running, and is the address right? `--server` or ASSAY_SERVER names the \
                 server; `assay dev` starts one on this machine.",
            ),
            Self::Lost { .. } => Some("Whether the call was carried out is not known."),
            Self::NotUnderstood { .. } => {
                Some("`--server` or ASSAY_SERVER must name an Assay server, without any path.")
            }
            Self::Refused(problem) => match problem.code == Code::Unauthorized {
                true => Some("ASSAY_API_KEY, or api_key in the configuration, holds the key."),
                false => None,
            },
            Self::Setup(_) | Self::Store(_) | Self::DataDir(_) | Self::System(_) => None,
        }
    }

    /// Whether nothing else can be asked of the server either.
    pub(crate) fn ends_all(&self) -> bool {
        match self {
            Self::Refused(problem) => {
                self.class() != ErrorClass::Permanent
                    || [Code::Unauthorized, Code::Forbidden].contains(&problem.code)
            }
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::NotUnderstood { .. }
            | Self::Setup(_)
            | Self::Store(_)
            | Self::DataDir(_)
            | Self::System(_) => true,
        }
    }

    fn refused(code: Code, detail: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::new(code, Origin::Client, detail)))
    }

    fn no_such_job() -> Self {
        Self::refused(Code::NotFound, "There is no such job.")
    }
}

impl From<QueryError> for ClientError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Self::no_such_job(),
            QueryError::Gone => Self::refused(Code::Gone, sentence(&error)),
            QueryError::CursorAhead { .. } => Self::refused(Code::CursorAhead, sentence(&error)),
            QueryError::Store(error) => error.into(),
        }
    }
}

impl From<FollowError> for ClientError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Gone => Self::refused(Code::Gone, sentence(&error)),
            FollowError::Store(error) => error.into(),
        }
    }
}

impl From<SubmitError> for ClientError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(errors) => {
                let detail = "Some fields of the request are invalid.";
                let mut problem = Problem::new(Code::InvalidRequest, Origin::Client, detail);
                problem.errors = errors;
                Self::Refused(Box::new(problem))
            }
            SubmitError::KeyReused => Self::refused(Code::IdempotencyKeyReused, sentence(&error)),
            SubmitError::Gone => Self::refused(Code::Gone, sentence(&error)),
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for ClientError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::no_such_job(),
            CancelError::Gone => Self::refused(Code::Gone, sentence(&error)),
            CancelError::Ended(_) => Self::refused(Code::JobAlreadyTerminal, sentence(&error)),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<RetryError> for ClientError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NotFound => Self::no_such_job(),
            RetryError::Gone => Self::refused(Code::Gone, sentence(&error)),
            RetryError::NotTerminal(_) => Self::refused(Code::JobNotTerminal, sentence(&error)),
            RetryError::Submit(error) => error.into(),
        }
    }
}

/// An error's text as a sentence.
fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
