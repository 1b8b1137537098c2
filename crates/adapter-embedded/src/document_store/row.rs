//! A document as its row has it.

use contracts::{Document, DocumentId, DocumentState, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params};
use uuid::Uuid;

use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;

pub(super) fn get(
    connection: &Connection,
    tenant: &TenantId,
    id: DocumentId,
) -> Result<Option<Document>, Fault> {
    let parameters = named_params! { ":tenant": tenant.as_str(), ":id": bytes(&id) };
    find(connection, sql::SELECT_DOCUMENT_OF_TENANT, parameters)
}

/// Whosever it is.
pub(super) fn get_any(connection: &Connection, id: DocumentId) -> Result<Option<Document>, Fault> {
    find(connection, sql::SELECT_DOCUMENT, named_params! { ":id": bytes(&id) })
}

/// The document that a statement finds.
pub(super) fn find(
    connection: &Connection,
    statement: &str,
    parameters: impl Params,
) -> Result<Option<Document>, Fault> {
    let mut select = connection.prepare_cached(statement)?;
    let row = select.query_row(parameters, DocumentRow::read).optional()?;
    row.map(DocumentRow::into_domain).transpose()
}

pub(super) fn list(
    connection: &Connection,
    tenant: &TenantId,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let mut select = connection.prepare_cached(sql::LIST_DOCUMENTS)?;
    let parameters = named_params! {
        ":tenant": tenant.as_str(),
        ":after": after.as_ref().map(bytes),
        ":limit": to_stored(limit as u64, "limit")?,
    };
    let rows = select.query_map(parameters, DocumentRow::read)?;
    rows.map(|row| row?.into_domain()).collect()
}

pub(super) fn bytes(id: &DocumentId) -> [u8; 16] {
    *id.as_uuid().as_bytes()
}

pub(super) const fn document_id(bytes: [u8; 16]) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_bytes(bytes))
}

struct DocumentRow {
    id: [u8; 16],
    state: String,
    company: String,
    title: String,
    url: Option<String>,
    published_on: Option<String>,
    content_sha256: String,
    bytes: i64,
    pages: Option<u32>,
    created_at: i64,
    error: Option<String>,
}

impl DocumentRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            state: row.get("state")?,
            company: row.get("company")?,
            title: row.get("title")?,
            url: row.get("url")?,
            published_on: row.get("published_on")?,
            content_sha256: row.get("content_sha256")?,
            bytes: row.get("bytes")?,
            pages: row.get("pages")?,
            created_at: row.get("created_at")?,
            error: row.get("error")?,
        })
    }

    fn into_domain(self) -> Result<Document, Fault> {
        Ok(Document {
            id: document_id(self.id),
            state: state(&self.state)?,
            company: self.company,
            title: self.title,
            url: self.url,
            published_on: self.published_on,
            content_sha256: self.content_sha256,
            bytes: from_stored(self.bytes, "size")?,
            pages: self.pages,
            created_at: Timestamp::from_millis(self.created_at),
            error: self.error.as_deref().map(serde_json::from_str).transpose()?,
        })
    }
}

fn state(name: &str) -> Result<DocumentState, Fault> {
    match name {
        "pending" => Ok(DocumentState::Pending),
        "ready" => Ok(DocumentState::Ready),
        "failed" => Ok(DocumentState::Failed),
        _ => Err(Fault::Corrupt("document state")),
    }
}
