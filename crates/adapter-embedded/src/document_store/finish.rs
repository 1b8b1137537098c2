//! The end of a document's reading.

use contracts::{Document, DocumentId, Problem};
use engine::ports::{DocumentHold, ReadDocument, ReadOutcome};
use rusqlite::{OptionalExtension as _, named_params};

use super::corpus;
use super::row::{self, bytes};
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::sql;

pub(super) fn finish(
    tx: &Tx<'_>,
    hold: DocumentHold,
    outcome: &ReadOutcome,
) -> Result<Option<Document>, Fault> {
    let held = named_params! {
        ":id": bytes(&hold.id),
        ":epoch": to_stored(hold.epoch, "epoch")?,
    };
    let tenant: Option<String> = tx
        .connection
        .prepare_cached(sql::SELECT_HELD_DOCUMENT)?
        .query_row(held, |row| row.get("tenant"))
        .optional()?;
    let Some(tenant) = tenant else { return Ok(None) };
    match outcome {
        ReadOutcome::Read(read) => store(tx, &tenant, hold.id, read)?,
        ReadOutcome::Failed(problem) => fail(tx, hold.id, problem)?,
    }
    row::get_any(tx.connection, hold.id)
}

/// Ends a document as failed.
pub(super) fn fail(tx: &Tx<'_>, id: DocumentId, problem: &Problem) -> Result<(), Fault> {
    end(tx, id, End { state: "failed", pages: None, error: Some(serde_json::to_string(problem)?) })
}

fn store(tx: &Tx<'_>, tenant: &str, id: DocumentId, read: &ReadDocument) -> Result<(), Fault> {
    let mut insert = tx.connection.prepare_cached(sql::INSERT_PASSAGE)?;
    for (ordinal, passage) in (1_i64..).zip(&read.passages) {
        insert.execute(named_params! {
            ":document_id": bytes(&id),
            ":ordinal": ordinal,
            ":page": passage.page,
            ":heading": passage.heading,
            ":table_head": passage.table_head,
            ":text": passage.text,
        })?;
    }
    let tenant_id = tenant.parse().map_err(|_| Fault::Corrupt("tenant"))?;
    let head = corpus::head(tx.connection, &tenant_id)?;
    tx.connection.prepare_cached(sql::INSERT_CHANGE)?.execute(named_params! {
        ":tenant": tenant,
        ":generation": to_stored(head.generation + 1, "generation")?,
        ":document_id": bytes(&id),
    })?;
    end(tx, id, End { state: "ready", pages: read.pages, error: None })
}

struct End {
    state: &'static str,
    pages: Option<u32>,
    error: Option<String>,
}

fn end(tx: &Tx<'_>, id: DocumentId, end: End) -> Result<(), Fault> {
    tx.connection.prepare_cached(sql::END_DOCUMENT)?.execute(named_params! {
        ":id": bytes(&id),
        ":state": end.state,
        ":pages": end.pages,
        ":error": end.error,
    })?;
    let file = named_params! { ":document_id": bytes(&id) };
    tx.connection.prepare_cached(sql::DELETE_FILE)?.execute(file)?;
    Ok(())
}
