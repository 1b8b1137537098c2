//! A document as its row has it.

use contracts::{Document, DocumentId, TenantId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::database::{Database, Parameter, Query};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;
use crate::value::{ReadRow as _, Time, from_word, table};

pub(super) async fn get(
    database: &Database,
    tenant: &TenantId,
    id: DocumentId,
) -> Result<Option<Document>, Fault> {
    let tenant = tenant.as_str();
    let select = Query::new(sql::SELECT_DOCUMENT, [&tenant as Parameter<'_>, id.as_uuid()]);
    database.run(select).await?.first().map(document).transpose()
}

pub(super) async fn list(
    database: &Database,
    tenant: &TenantId,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let (tenant, after) = (tenant.as_str(), after.map(|id| *id.as_uuid()));
    let limit: i64 = to_stored(limit, "limit")?;
    let list = Query::new(sql::LIST_DOCUMENTS, [&tenant as Parameter<'_>, &after, &limit]);
    database.run(list).await?.iter().map(document).collect()
}

/// The document that a row holds.
pub(super) fn document(row: &Row) -> Result<Document, Fault> {
    let row = DocumentRow::read(row)?;
    let Time(created_at) = row.created_at;
    Ok(Document {
        id: DocumentId::from_uuid(row.id),
        state: from_word(row.state, "document state")?,
        company: row.company,
        title: row.title,
        url: row.url,
        published_on: row.published_on,
        content_sha256: row.content_sha256,
        bytes: from_stored(row.bytes, "size")?,
        pages: row.pages.map(|pages| from_stored(pages, "number of pages")).transpose()?,
        created_at,
        error: row.error.as_deref().map(serde_json::from_str).transpose()?,
    })
}

table! {
    /// What a client sees of a document.
    DocumentRow {
        id: Uuid,
        state: String,
        company: String,
        title: String,
        url: Option<String>,
        published_on: Option<String>,
        content_sha256: String,
        bytes: i64,
        pages: Option<i32>,
        created_at: Time,
        error: Option<String>,
    }
}
