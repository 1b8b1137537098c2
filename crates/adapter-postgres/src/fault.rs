use std::error::Error as _;
use std::sync::Arc;

use deadpool_postgres::PoolError;
use engine::job::Refusal;
use engine::ports::StoreError;

/// What can go wrong inside the store, before it is put in the port's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The server refused, or cannot be reached.
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// No connection was free in time, or none could be made.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The server did not answer in time; the connection was given up.
    #[error("the server did not answer in time")]
    TimedOut,
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
    /// A statement that had to touch some rows touched another number of them.
    #[error("{statement} touched {found} rows instead of {expected}")]
    WrongRows {
        /// The statement.
        statement: &'static str,
        /// The rows that it had to touch.
        expected: usize,
        /// The rows that it touched.
        found: usize,
    },
    /// The store is closed, or its runtime is.
    #[error("the store is closed")]
    Closed,
}

/// What the caller of a store can do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// The same request can succeed later.
    Wait,
    /// It cannot.
    None,
}

impl Fault {
    /// Whether one row of a batch can be the cause, so that the others may succeed without it: a
    /// value (22), a constraint (23), a serialization failure or deadlock (40), a limit (54), a
    /// lock that was not to be had (55), a statement that took too long (57014).
    pub(crate) fn may_be_one_rows(&self) -> bool {
        self.sqlstate().is_some_and(|state| {
            matches!(&state[..2], "22" | "23" | "40" | "54" | "55") || state == "57014"
        })
    }

    /// Whether the connection is gone, so that nobody knows how far the server came.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Postgres(error) => match self.sqlstate() {
                // The server ends the session: shut down, crashed, or out of patience.
                Some(state) => {
                    matches!(state, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04")
                        || state.starts_with("08")
                }
                None => error.is_closed() || is_io(error),
            },
            Self::Pool(_)
            | Self::Corrupt(_)
            | Self::Unstorable(_)
            | Self::Json(_)
            | Self::Refused(_)
            | Self::WrongRows { .. }
            | Self::Closed => false,
        }
    }

    /// Whether the same statements may fare otherwise in a moment: the server is starting, or the
    /// commit of the same rows, whose reply was lost, is just coming to its end (23505).
    pub(crate) fn is_of_the_moment(&self) -> bool {
        self.remedy() == Remedy::Wait || self.sqlstate() == Some("23505")
    }

    fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Postgres(error) => error.code().map(tokio_postgres::error::SqlState::code),
            Self::Pool(_)
            | Self::TimedOut
            | Self::Corrupt(_)
            | Self::Unstorable(_)
            | Self::Json(_)
            | Self::Refused(_)
            | Self::WrongRows { .. }
            | Self::Closed => None,
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Postgres(error) => match self.sqlstate() {
                Some(state) => match &state[..2] {
                    // A value, a constraint, a limit; and statements that do not fit the schema.
                    "22" | "23" | "54" | "42" => Remedy::None,
                    _ => Remedy::Wait,
                },
                None if error.is_closed() || is_io(error) => Remedy::Wait,
                None => Remedy::None,
            },
            Self::Pool(_) | Self::TimedOut | Self::Closed => Remedy::Wait,
            Self::Corrupt(_)
            | Self::Unstorable(_)
            | Self::Json(_)
            | Self::Refused(_)
            | Self::WrongRows { .. } => Remedy::None,
        }
    }
}

/// tokio-postgres does not say what kind an error of its own is of, but what it comes from.
fn is_io(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<std::io::Error>())
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        failed(Arc::new(fault))
    }
}

/// A fault in the port's words. A fault of a whole batch is each request's.
pub(crate) fn failed(fault: Arc<Fault>) -> StoreError {
    match fault.remedy() {
        Remedy::Wait => StoreError::Unavailable(Box::new(fault)),
        Remedy::None => StoreError::Rejected(Box::new(fault)),
    }
}

/// A number as PostgreSQL keeps it: all its numbers have a sign.
pub(crate) fn to_stored<N, S: TryFrom<N>>(number: N, what: &'static str) -> Result<S, Fault> {
    S::try_from(number).map_err(|_| Fault::Unstorable(what))
}

/// A number as it was before [`to_stored`].
pub(crate) fn from_stored<S, N: TryFrom<S>>(number: S, what: &'static str) -> Result<N, Fault> {
    N::try_from(number).map_err(|_| Fault::Corrupt(what))
}
