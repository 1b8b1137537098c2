//! Ending a job at its client's wish.

use contracts::{Job, JobId, TenantId};

use super::{Jobs, QueryError};
use crate::ports::StoreError;

/// The answer to a request to cancel: there are three, and [`CancelError::Ended`] is the third.
#[derive(Debug, Clone)]
pub enum CancelAnswer {
    /// The job is cancelled.
    Cancelled(Box<Job>),
    /// The job's worker is being stopped; the job can only become cancelled.
    Cancelling(Box<Job>),
}

/// Why a job is not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such job, or it is another tenant's.
    #[error("there is no such job")]
    NotFound,
    /// It was deleted, not long ago.
    #[error("the job was deleted")]
    Gone,
    /// It ended otherwise.
    #[error("the job has ended as {}", .0.state)]
    Ended(Box<Job>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueryError> for CancelError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound | QueryError::CursorAhead { .. } => Self::NotFound,
            QueryError::Gone => Self::Gone,
            QueryError::Store(error) => Self::Store(error),
        }
    }
}

impl Jobs {
    /// Ends a job, or has its worker stopped. Asking again changes nothing.
    ///
    /// # Errors
    /// [`CancelError`].
    pub async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<CancelAnswer, CancelError> {
        let Some(cancelled) = self.store.cancel(tenant, id, reason).await? else {
            return Err(QueryError::from(self.missing(tenant, id).await?).into());
        };
        self.announce(&cancelled.committed).await;
        let job = Box::new(self.get(tenant, id).await?);
        if cancelled.refused.is_some() {
            Err(CancelError::Ended(job))
        } else if job.state.is_terminal() {
            Ok(CancelAnswer::Cancelled(job))
        } else {
            Ok(CancelAnswer::Cancelling(job))
        }
    }
}
