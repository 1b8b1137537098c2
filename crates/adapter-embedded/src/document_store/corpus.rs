//! What an index reads.

use contracts::{DocumentId, TenantId};
use engine::ports::{CorpusChange, CorpusChanges, CorpusHead, Passage, StoredDocument};
use rusqlite::{Connection, named_params};

use super::row::{self, bytes, document_id};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;

pub(super) fn head(connection: &Connection, tenant: &TenantId) -> Result<CorpusHead, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_CORPUS_HEAD)?;
    let (generation, origin): (i64, Option<[u8; 16]>) = select
        .query_row(named_params! { ":tenant": tenant.as_str() }, |row| {
            Ok((row.get("generation")?, row.get("origin")?))
        })?;
    let generation = from_stored(generation, "generation")?;
    Ok(CorpusHead { generation, origin: origin.map(document_id) })
}

pub(super) fn changes(
    connection: &Connection,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<CorpusChanges, Fault> {
    let CorpusHead { generation: head, .. } = head(connection, tenant)?;
    let mut reached = after.min(head);
    let mut select = connection.prepare_cached(sql::SELECT_CHANGES)?;
    let mut rows = select.query(named_params! {
        ":tenant": tenant.as_str(),
        ":after": to_stored(reached, "generation")?,
        ":limit": to_stored(limit as u64, "limit")?,
    })?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get("kind")?;
        let id = document_id(row.get("document_id")?);
        // A document that came and has gone since is only ever seen to go.
        let document = if kind == "added" { row::get_any(connection, id)? } else { None };
        changes.push(match document {
            Some(document) => {
                let passages = passages(connection, id)?;
                CorpusChange::Added(StoredDocument { document, passages })
            }
            None => CorpusChange::Removed(id),
        });
        reached = from_stored(row.get("generation")?, "generation")?;
    }
    Ok(CorpusChanges { changes, generation: reached, head })
}

fn passages(connection: &Connection, id: DocumentId) -> Result<Vec<Passage>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_PASSAGES)?;
    let rows = select.query_map(named_params! { ":document_id": bytes(&id) }, |row| {
        Ok(Passage {
            page: row.get("page")?,
            heading: row.get("heading")?,
            table_head: row.get("table_head")?,
            text: row.get("text")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
