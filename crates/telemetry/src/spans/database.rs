use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, is_untraced};

/// What is done in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Which database it is, in the words of the conventions: `postgresql`, `sqlite`.
    pub system: &'static str,
    /// What is done to the table: `INSERT`, `UPDATE`, `SELECT`, `DELETE`.
    pub operation: &'static str,
    /// The table that it is about.
    pub table: &'static str,
}

/// A call of the database on behalf of the span around it. None where that is in no trace that is
/// sent: what a process does by itself, again and again, is in none.
#[must_use]
pub fn database(statement: Statement) -> Span {
    if is_untraced() {
        return Span::none();
    }
    let Statement { system, operation, table } = statement;
    tracing::info_span!(
        target: TARGET,
        "database",
        otel.kind = "client",
        otel.name = format_args!("{operation} {table}"),
        otel.status_code = Empty,
        error.type = Empty,
        db.system.name = system,
        db.operation.name = operation,
        db.collection.name = table,
    )
}
