//! Calls that are made for a request or for an attempt, in its trace.

use engine::ports::StoreError;
use telemetry::spans::{self, Statement};
use tracing::Instrument as _;

/// Makes a call in a span of its own: it takes as long as the caller waits, whoever it shares a
/// transaction with.
pub(super) async fn traced<T>(
    operation: &'static str,
    table: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let span = spans::database(Statement { system: "postgresql", operation, table });
    let outcome = call.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        spans::failed(&span, named(error));
    }
    outcome
}

const fn named(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "unavailable",
        StoreError::OutcomeUnknown(_) => "outcome_unknown",
        StoreError::Rejected(_) => "rejected",
    }
}
