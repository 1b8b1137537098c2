//! Deleting a job at its client's wish.

use contracts::{Job, JobId, TenantId};

use super::{Jobs, QueryError};
use crate::ports::{Deletion, StoreError};

/// Why a job is not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// There is no such job, or it is another tenant's.
    #[error("there is no such job")]
    NotFound,
    /// It was deleted before.
    #[error("the job was deleted")]
    Gone,
    /// It has not ended.
    #[error("the job has not ended: it is {}", .0.state)]
    NotTerminal(Box<Job>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<QueryError> for DeleteError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound | QueryError::CursorAhead { .. } => Self::NotFound,
            QueryError::Gone => Self::Gone,
            QueryError::Store(error) => Self::Store(error),
        }
    }
}

impl Jobs {
    /// Deletes a job that has ended, and everything of it. Its id and idempotency key stay gone
    /// for 30 days. Whoever still reads its log is told the next time they ask the store, within
    /// two seconds.
    ///
    /// # Errors
    /// [`DeleteError`].
    pub async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<(), DeleteError> {
        // A read that meets an overdue job ends it first: a job whose time is over can be deleted.
        let job = self.get(tenant, id).await?;
        match self.store.delete(tenant, id).await? {
            Deletion::Deleted => Ok(()),
            Deletion::NotEnded => Err(DeleteError::NotTerminal(Box::new(job))),
            Deletion::Unknown => Err(QueryError::from(self.missing(tenant, id).await?).into()),
        }
    }
}
