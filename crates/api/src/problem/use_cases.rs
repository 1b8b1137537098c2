//! What the errors of the use cases are to a client.

use std::fmt;

use contracts::{Code, RequestError};
use engine::ports::StoreError;
use engine::services::{CancelError, DeleteError, QueryError, SubmitError};

use super::ApiError;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let outside = match &error {
            StoreError::Unavailable(_) => {
                Self::new(Code::CapacityReduced, "The store cannot be reached at the moment.")
            }
            StoreError::OutcomeUnknown(_) => Self::new(
                Code::OutcomeUnknown,
                "The connection to the store broke during the request. It may have been carried \
                 out: ask again with the same Idempotency-Key, or look.",
            ),
            StoreError::Rejected(_) => {
                Self::new(Code::Internal, "The store refused the request.").not_retryable()
            }
        };
        outside.because(error)
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Malformed(_) => Self::invalid(format!("{}.", sentence(&error))),
            RequestError::Invalid(errors) => Self::fields(errors),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Self::no_such_job(),
            QueryError::Gone => Self::job_gone(),
            QueryError::CursorAhead { after, head } => Self::cursor_ahead(after, head),
            QueryError::Store(error) => error.into(),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(errors) => Self::fields(errors),
            SubmitError::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "This Idempotency-Key was used for another request. Use a new key.",
            ),
            SubmitError::Gone => {
                Self::new(Code::Gone, "The job of this Idempotency-Key was deleted.")
            }
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::no_such_job(),
            CancelError::Gone => Self::job_gone(),
            CancelError::Ended(job) => {
                let detail =
                    format!("The job ended as {} before it could be cancelled.", job.state);
                Self::new(Code::JobAlreadyTerminal, detail).with_job(*job)
            }
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound => Self::no_such_job(),
            DeleteError::Gone => Self::job_gone(),
            DeleteError::NotTerminal(job) => {
                let detail =
                    format!("The job has not ended: it is {}. Cancel it first.", job.state);
                Self::new(Code::JobNotTerminal, detail).with_job(*job)
            }
            DeleteError::Store(error) => error.into(),
        }
    }
}

/// An error's text as the beginning of a sentence.
fn sentence(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
