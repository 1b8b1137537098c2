use engine::job::Refusal;
use engine::ports::StoreError;
use rusqlite::ErrorCode;

/// What can go wrong inside the store, before it is put in the port's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A stored value cannot be what this store wrote.
    #[error("the stored {0} cannot be read")]
    Corrupt(&'static str),
    /// A value cannot be stored.
    #[error("{0} cannot be stored")]
    Unstorable(&'static str),
    /// JSON could not be written or read.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The caller asks for a change that is not the asker's to make.
    #[error("the change is refused")]
    Refused(#[from] Refusal),
    /// A statement that had to touch one row touched another number of them.
    #[error("{statement} touched {rows} rows instead of one")]
    NotOneRow {
        /// The statement.
        statement: &'static str,
        /// The rows.
        rows: usize,
    },
    /// The code of a request panicked; its writes were taken back.
    #[error("a request to the store panicked")]
    Panicked,
    /// The whole batch was taken back because of another request.
    #[error("the batch was rolled back")]
    RolledBack,
    /// The disk failed during the commit of the batch.
    #[error("the batch may not have been committed")]
    CommitFailed,
    /// The store is closed, or its runtime is.
    #[error("the store is closed")]
    Closed,
}

impl Fault {
    /// Whether a stored value is at fault, rather than the way to it.
    pub(crate) const fn is_of_a_value(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Json(_) => true,
            Self::Sqlite(error) => matches!(
                error,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
            ),
            Self::Unstorable(_)
            | Self::Refused(_)
            | Self::NotOneRow { .. }
            | Self::Panicked
            | Self::RolledBack
            | Self::CommitFailed
            | Self::Closed => false,
        }
    }

    /// Whether the same request can succeed later, nothing having been written.
    fn may_pass(&self) -> bool {
        match self {
            Self::Sqlite(error) => may_pass(error),
            Self::RolledBack | Self::Closed => true,
            Self::Corrupt(_)
            | Self::Unstorable(_)
            | Self::Json(_)
            | Self::Refused(_)
            | Self::NotOneRow { .. }
            | Self::CommitFailed
            | Self::Panicked => false,
        }
    }
}

/// Whether the cause lies outside the request: another process, the disk, the memory.
pub(crate) fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OperationAborted
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SchemaChanged
        )
    )
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        if fault.may_pass() {
            Self::Unavailable(Box::new(fault))
        } else {
            Self::Rejected(Box::new(fault))
        }
    }
}

/// A number as SQLite keeps it.
pub(crate) fn to_stored(number: u64, what: &'static str) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::Unstorable(what))
}

/// A number as it was before [`to_stored`].
pub(crate) fn from_stored(number: i64, what: &'static str) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::Corrupt(what))
}
