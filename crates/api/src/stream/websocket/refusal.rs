use actix_ws::CloseReason;
use contracts::{Code, StreamControl};
use engine::services::QueryError;
use engine::ticket::NotGranted;

use super::close;
use super::conversation::send;
use crate::access::AccessError;
use crate::problem::ApiError;
use crate::stream::outbox::Outbox;

/// Why a socket is closed before it begins, or a subscription does not begin.
pub(super) struct Refusal {
    close_code: u16,
    pub(super) error: ApiError,
}

impl Refusal {
    pub(super) fn foreign_origin() -> Self {
        let error = ApiError::new(Code::Forbidden, "Pages of this origin may not use this server.");
        Self { close_code: close::ORIGIN, error }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let close_code = match &error {
            QueryError::NotFound => close::NO_SUCH_JOB,
            QueryError::Gone => close::GONE,
            QueryError::CursorAhead { .. } => close::CURSOR_AHEAD,
            QueryError::Store(_) => close::OVERLOADED,
        };
        Self { close_code, error: error.into() }
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        let close_code = match &error {
            AccessError::Forged | AccessError::NotGranted(NotGranted::Expired) => {
                close::CREDENTIALS
            }
            AccessError::NotGranted(NotGranted::OtherJob) => close::SCOPE,
            AccessError::Store(_) => close::OVERLOADED,
        };
        Self { close_code, error: error.into() }
    }
}

pub(super) async fn refuse(mut outbox: Outbox, refusal: Refusal, trace_id: String) {
    let Refusal { close_code, error } = refusal;
    error.log();
    let problem = error.problem(&trace_id);
    let title = problem.title.clone();
    let frame = StreamControl::Error { job_id: None, problem: Box::new(problem) };
    if send(&mut outbox, &frame).await.is_ok() {
        outbox.close(CloseReason { code: close_code.into(), description: Some(title) }).await;
    }
}
