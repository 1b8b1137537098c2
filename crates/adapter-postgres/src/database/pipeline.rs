use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures_util::future::{join_all, poll_immediate, try_join_all};
use tokio::time::timeout;
use tokio_postgres::Row;

use super::{Parameter, Rows};
use crate::fault::Fault;

/// How long a round trip may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Like nearly everything.
    Usual,
    /// With a whole document, of 50 MB or of tens of thousands of passages.
    Document,
}

impl Patience {
    /// More than the server gives any statement (see [`crate::settings`] and `be_patient.sql`).
    const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Usual => 8,
            Self::Document => 70,
        })
    }
}

/// A statement with its values.
pub(crate) struct Query<'a> {
    text: &'static str,
    parameters: Vec<Parameter<'a>>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(text: &'static str, parameters: impl Into<Vec<Parameter<'a>>>) -> Self {
        Self { text, parameters: parameters.into() }
    }

    /// A statement without values.
    pub(crate) const fn plain(text: &'static str) -> Self {
        Self { text, parameters: Vec::new() }
    }
}

/// Sends the statements at once, in order, and returns the rows of each.
///
/// # Errors
/// The first fault in the order of the statements. A statement that cannot be sent stops all that
/// follow it from being sent, so that a `COMMIT` never comes without what it commits.
///
/// # Cancel safety
/// Dropped, the statements that were sent are carried out all the same. Statements are sent when
/// this is first polled after their preparation.
pub(crate) async fn pipeline(
    client: &ClientWrapper,
    queries: &[Query<'_>],
) -> Result<Vec<Rows>, Fault> {
    pipeline_with(Patience::Usual, client, queries).await
}

/// The same, with other patience.
///
/// # Errors
/// As for [`pipeline`].
///
/// # Cancel safety
/// As for [`pipeline`].
pub(crate) async fn pipeline_with(
    patience: Patience,
    client: &ClientWrapper,
    queries: &[Query<'_>],
) -> Result<Vec<Rows>, Fault> {
    timeout(patience.limit(), send(client, queries)).await.unwrap_or(Err(Fault::TimedOut))
}

async fn send(client: &ClientWrapper, queries: &[Query<'_>]) -> Result<Vec<Rows>, Fault> {
    // Without a round trip, but for the first time on a connection.
    let prepared =
        try_join_all(queries.iter().map(|query| client.prepare_cached(query.text))).await?;
    let mut answers: Vec<_> = Vec::with_capacity(queries.len());
    for (statement, query) in prepared.iter().zip(queries) {
        // The statement is sent by the first look at its answer.
        let mut answer = Box::pin(client.query(statement, &query.parameters));
        match poll_immediate(&mut answer).await {
            Some(Err(unsent)) => return Err(unsent.into()),
            Some(Ok(rows)) => answers.push(Answer::Here(rows)),
            None => answers.push(Answer::Awaited(answer)),
        }
    }
    let answers = join_all(answers.into_iter().map(Answer::rows)).await;
    Ok(answers.into_iter().collect::<Result<Vec<_>, _>>()?)
}

enum Answer<F> {
    Here(Vec<Row>),
    Awaited(F),
}

impl<F: Future<Output = Result<Vec<Row>, tokio_postgres::Error>>> Answer<F> {
    async fn rows(self) -> Result<Vec<Row>, tokio_postgres::Error> {
        match self {
            Self::Here(rows) => Ok(rows),
            Self::Awaited(answer) => answer.await,
        }
    }
}
