//! From a document's acceptance to its claim.

use std::time::Duration;

use contracts::{Document, DocumentState, TenantId, Timestamp};
use engine::company_key;
use engine::ports::{ClaimedDocument, DocumentHold, MediaType, NewDocument};
use engine::reading::Reading;
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::row::{self, bytes, document_id};
use crate::database::Tx;
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;

pub(super) fn accept(tx: &Tx<'_>, tenant: &TenantId, new: &NewDocument) -> Result<Document, Fault> {
    let company_key = company_key(&new.company);
    let known = named_params! {
        ":tenant": tenant.as_str(),
        ":company_key": company_key,
        ":content_sha256": new.content_sha256,
    };
    let id = match row::find(tx.connection, sql::SELECT_DOCUMENT_BY_CONTENT, known)? {
        Some(known) if known.state != DocumentState::Failed => return Ok(known),
        Some(failed) => {
            tx.connection.prepare_cached(sql::REOPEN_DOCUMENT)?.execute(named_params! {
                ":id": bytes(&failed.id),
                ":company": new.company,
                ":title": new.title,
                ":url": new.url,
                ":published_on": new.published_on,
                ":media_type": new.media_type.as_str(),
                ":traceparent": new.trace.to_string(),
            })?;
            failed.id
        }
        None => {
            tx.connection.prepare_cached(sql::INSERT_DOCUMENT)?.execute(named_params! {
                ":id": bytes(&new.id),
                ":tenant": tenant.as_str(),
                ":company": new.company,
                ":company_key": company_key,
                ":title": new.title,
                ":url": new.url,
                ":published_on": new.published_on,
                ":media_type": new.media_type.as_str(),
                ":content_sha256": new.content_sha256,
                ":bytes": to_stored(new.bytes.len() as u64, "size")?,
                ":traceparent": new.trace.to_string(),
                ":created_at": tx.now.as_millis(),
            })?;
            new.id
        }
    };
    let file = named_params! { ":document_id": bytes(&id), ":content": new.bytes };
    tx.connection.prepare_cached(sql::INSERT_FILE)?.execute(file)?;
    row::get_any(tx.connection, id)?.ok_or(Fault::Corrupt("document"))
}

pub(super) fn claim(tx: &Tx<'_>, lease: Duration) -> Result<Option<ClaimedDocument>, Fault> {
    let Some(unread) = UnreadRow::find(tx.connection)? else { return Ok(None) };
    let id = document_id(unread.id);
    let hold = DocumentHold { id, epoch: from_stored(unread.epoch, "epoch")? + 1 };
    let started_at = unread.started_at.map_or(tx.now, Timestamp::from_millis);
    tx.connection.prepare_cached(sql::CLAIM_DOCUMENT)?.execute(named_params! {
        ":id": unread.id,
        ":epoch": to_stored(hold.epoch, "epoch")?,
        ":started_at": started_at.as_millis(),
        ":lease_until": tx.now.after(lease).as_millis(),
    })?;
    let file = named_params! { ":document_id": unread.id };
    let mut select = tx.connection.prepare_cached(sql::SELECT_FILE)?;
    let reading = Reading { started_at: Some(started_at), lease_until: None, crash_count: 0 };
    Ok(Some(ClaimedDocument {
        hold,
        media_type: MediaType::from_name(&unread.media_type).ok_or(Fault::Corrupt("media type"))?,
        bytes: select.query_row(file, |row| row.get("content"))?,
        trace: unread.traceparent.parse().map_err(|_| Fault::Corrupt("traceparent"))?,
        left: reading.left(tx.now),
    }))
}

pub(super) fn renew(tx: &Tx<'_>, hold: DocumentHold, lease: Duration) -> Result<bool, Fault> {
    let rows = tx.connection.prepare_cached(sql::RENEW_DOCUMENT)?.execute(named_params! {
        ":id": bytes(&hold.id),
        ":epoch": to_stored(hold.epoch, "epoch")?,
        ":lease_until": tx.now.after(lease).as_millis(),
    })?;
    Ok(rows == 1)
}

pub(super) fn release(tx: &Tx<'_>, hold: DocumentHold) -> Result<(), Fault> {
    let parameters = named_params! {
        ":id": bytes(&hold.id),
        ":epoch": to_stored(hold.epoch, "epoch")?,
    };
    tx.connection.prepare_cached(sql::RELEASE_DOCUMENT)?.execute(parameters)?;
    Ok(())
}

/// A pending document that nobody holds.
struct UnreadRow {
    id: [u8; 16],
    epoch: i64,
    started_at: Option<i64>,
    media_type: String,
    traceparent: String,
}

impl UnreadRow {
    /// The next one to read.
    fn find(connection: &Connection) -> Result<Option<Self>, Fault> {
        let mut find = connection.prepare_cached(sql::FIND_UNREAD)?;
        let row = find.query_row([], |row| {
            Ok(Self {
                id: row.get("id")?,
                epoch: row.get("epoch")?,
                started_at: row.get("started_at")?,
                media_type: row.get("media_type")?,
                traceparent: row.get("traceparent")?,
            })
        });
        Ok(row.optional()?)
    }
}
