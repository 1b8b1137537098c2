//! Transactions that cost a round trip or two, however many statements they have.
//!
//! The statements of a round trip are sent at once, without waiting for answers in between. A
//! transaction that reads, decides and writes takes two: one that begins and locks, one that
//! writes and commits. A client that freezes in between is cut off by the server (see
//! [`crate::settings`]).

mod pipeline;
mod transaction;

use deadpool_postgres::{Object, Pool, PoolError, Status};
use telemetry::metrics::store::PoolName;
use telemetry::metrics::{self, Observation};
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::fault::Fault;
use crate::sql;

pub(crate) use pipeline::{Patience, Query, pipeline, pipeline_with};
pub(crate) use transaction::{Transaction, Unfinished};

/// A value of a statement.
pub(crate) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// The rows of one statement.
pub(crate) type Rows = Vec<Row>;

/// The pooled connections to one database.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    name: PoolName,
}

impl Database {
    pub(crate) const fn new(name: PoolName, pool: Pool) -> Self {
        Self { pool, name }
    }

    /// Shows what its connections do.
    pub(crate) fn show(&self) -> Observation {
        let pool = self.pool.clone();
        metrics::store::observe_pool(self.name, move || {
            let Status { max_size: max, size, available: idle, waiting } = pool.status();
            metrics::store::Pool { idle, used: size.saturating_sub(idle), max, waiting }
        })
    }

    /// A connection, once there is one that nobody uses.
    async fn connection(&self) -> Result<Object, PoolError> {
        let began = Instant::now();
        let connection = self.pool.get().await;
        metrics::store::waited_for_connection(self.name, began.elapsed());
        connection
    }

    /// Runs one statement in a transaction of its own.
    pub(crate) async fn run(&self, query: Query<'_>) -> Result<Rows, Fault> {
        let connection = self.connection().await?;
        match pipeline(&connection, &[query]).await {
            Ok(rows) => Ok(first(rows)),
            Err(fault) => {
                abandon_if_lost(connection, &fault);
                Err(fault)
            }
        }
    }

    /// Runs several statements that see the database as it was at one moment.
    pub(crate) async fn read(&self, queries: Vec<Query<'_>>) -> Result<Vec<Rows>, Fault> {
        let connection = self.connection().await?;
        let mut all = vec![Query::plain(sql::BEGIN_READING)];
        all.extend(queries);
        all.push(Query::plain(sql::COMMIT));
        match pipeline(&connection, &all).await {
            Ok(mut rows) => {
                rows.pop();
                rows.remove(0);
                Ok(rows)
            }
            Err(fault) => {
                abandon_if_lost(connection, &fault);
                Err(fault)
            }
        }
    }

    /// Runs several statements with a whole document, in one transaction that may take as long as
    /// that takes. Nothing is decided in between.
    pub(crate) async fn write_document(
        &self,
        queries: Vec<Query<'_>>,
    ) -> Result<Vec<Rows>, Unfinished> {
        let connection = self.connection().await.map_err(Fault::from);
        let connection = connection.map_err(Unfinished::RolledBack)?;
        Transaction::whole(connection, Patience::Document, queries).await
    }

    /// Begins a transaction with these statements, and returns their rows.
    pub(crate) async fn begin(
        &self,
        queries: Vec<Query<'_>>,
    ) -> Result<(Transaction, Vec<Rows>), Fault> {
        Transaction::begin(self.connection().await?, Patience::Usual, sql::BEGIN, queries).await
    }

    /// Begins a transaction that only reads, and sees the database as it was at one moment.
    pub(crate) async fn begin_reading(
        &self,
        queries: Vec<Query<'_>>,
    ) -> Result<(Transaction, Vec<Rows>), Fault> {
        let connection = self.connection().await?;
        Transaction::begin(connection, Patience::Usual, sql::BEGIN_READING, queries).await
    }

    /// The same for whole documents, which may take as long as that takes.
    pub(crate) async fn begin_reading_documents(
        &self,
        queries: Vec<Query<'_>>,
    ) -> Result<(Transaction, Vec<Rows>), Fault> {
        let connection = self.connection().await?;
        Transaction::begin(connection, Patience::Document, sql::BEGIN_READING, queries).await
    }
}

/// The rows of the only statement, or the first.
pub(crate) fn first(rows: Vec<Rows>) -> Rows {
    rows.into_iter().next().unwrap_or_default()
}

/// A connection whose answers are still to come is nobody's any more.
fn abandon_if_lost(connection: Object, fault: &Fault) {
    if fault.is_lost_connection() {
        drop(Object::take(connection));
    }
}
