use deadpool_postgres::Object;
use engine::ports::StoreError;

use super::{Patience, Query, Rows, pipeline, pipeline_with};
use crate::fault::Fault;
use crate::sql;

/// A transaction that was begun. Dropped before its end, it takes its connection along, so that
/// nobody else finds themselves inside of it; the server rolls it back.
pub(crate) struct Transaction {
    connection: Option<Object>,
    patience: Patience,
}

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// Nothing of it was written.
    RolledBack(Fault),
    /// The connection was lost while it was being committed.
    Unknown(Fault),
}

impl Unfinished {
    /// The fault, for work that can be done again whether or not it was done.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::RolledBack(fault) | Self::Unknown(fault) => fault,
        }
    }
}

impl From<Unfinished> for StoreError {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::RolledBack(fault) => fault.into(),
            Unfinished::Unknown(fault) => Self::OutcomeUnknown(Box::new(fault)),
        }
    }
}

impl Transaction {
    pub(super) async fn begin(
        connection: Object,
        patience: Patience,
        how: &'static str,
        queries: Vec<Query<'_>>,
    ) -> Result<(Self, Vec<Rows>), Fault> {
        let mut all = beginning(how, patience);
        let begins = all.len();
        all.extend(queries);
        let mut transaction = Self { connection: Some(connection), patience };
        let mut rows = transaction.run(all).await?;
        rows.drain(..begins);
        Ok((transaction, rows))
    }

    /// A transaction from its beginning to its end, in one round trip.
    pub(super) async fn whole(
        connection: Object,
        patience: Patience,
        queries: Vec<Query<'_>>,
    ) -> Result<Vec<Rows>, Unfinished> {
        let mut all = beginning(sql::BEGIN, patience);
        let begins = all.len();
        all.extend(queries);
        let mut rows = Self { connection: Some(connection), patience }.commit(all).await?;
        rows.drain(..begins);
        Ok(rows)
    }

    /// Runs further statements. A fault ends the transaction.
    pub(crate) async fn run(&mut self, queries: Vec<Query<'_>>) -> Result<Vec<Rows>, Fault> {
        let connection = self.connection.as_ref().ok_or(Fault::Closed)?;
        match pipeline_with(self.patience, connection, &queries).await {
            Ok(rows) => Ok(rows),
            Err(fault) => {
                self.roll_back(&fault).await;
                Err(fault)
            }
        }
    }

    /// Runs these statements and commits.
    pub(crate) async fn commit(mut self, queries: Vec<Query<'_>>) -> Result<Vec<Rows>, Unfinished> {
        let closed = || Unfinished::RolledBack(Fault::Closed);
        let connection = self.connection.as_ref().ok_or_else(closed)?;
        let mut all = queries;
        all.push(Query::plain(sql::COMMIT));
        match pipeline_with(self.patience, connection, &all).await {
            Ok(mut rows) => {
                rows.pop();
                // Back into the pool.
                drop(self.connection.take());
                Ok(rows)
            }
            Err(fault) if fault.is_lost_connection() => Err(Unfinished::Unknown(fault)),
            Err(fault) => {
                self.roll_back(&fault).await;
                Err(Unfinished::RolledBack(fault))
            }
        }
    }

    /// After a fault of a statement the server waits for the end of the transaction. A `COMMIT`
    /// that came with it has ended it already, and this is then one more that does nothing.
    async fn roll_back(&mut self, fault: &Fault) {
        let Some(connection) = self.connection.take() else { return };
        let is_usable = !fault.is_lost_connection()
            && pipeline(&connection, &[Query::plain(sql::ROLL_BACK)]).await.is_ok();
        if !is_usable {
            drop(Object::take(connection));
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

fn beginning(how: &'static str, patience: Patience) -> Vec<Query<'static>> {
    let begin = Query::plain(how);
    match patience {
        Patience::Usual => vec![begin],
        Patience::Document => vec![begin, Query::plain(sql::BE_PATIENT)],
    }
}
