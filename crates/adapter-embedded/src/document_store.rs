//! Documents in SQLite.

use async_trait::async_trait;
use contracts::{Document, DocumentId, DocumentState, TenantId};
use engine::company_key;
use engine::ports::{
    CorpusChange, CorpusChanges, DocumentStore, NewDocument, Passage, StoreError, Stored,
    StoredDocument,
};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use uuid::Uuid;

use crate::database::Tx;
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;
use crate::store::Store;

#[async_trait]
impl DocumentStore for Store {
    async fn put(&self, tenant: &TenantId, new: NewDocument) -> Result<Stored, StoreError> {
        let tenant = tenant.clone();
        self.writer().write(move |tx| put(tx, &tenant, &new)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| list(connection, &tenant, after, limit)).await
    }

    async fn generation(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.readers().read(move |connection| generation(connection, &tenant)).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<CorpusChanges, StoreError> {
        let tenant = tenant.clone();
        let limit = limit.max(1);
        self.readers().read(move |connection| changes(connection, &tenant, after, limit)).await
    }
}

fn put(tx: &Tx<'_>, tenant: &TenantId, new: &NewDocument) -> Result<Stored, Fault> {
    let company_key = company_key(&new.company);
    let known = tx
        .connection
        .prepare_cached(sql::SELECT_DOCUMENT_BY_CONTENT)?
        .query_row(
            named_params! {
                ":tenant": tenant.as_str(),
                ":company_key": company_key,
                ":content_sha256": new.content_sha256,
            },
            DocumentRow::read,
        )
        .optional()?;
    if let Some(known) = known {
        return Ok(Stored { document: known.into_domain()?, created: false });
    }
    let generation = to_stored(generation(tx.connection, tenant)? + 1, "generation")?;
    let id = new.id.as_uuid().as_bytes();
    tx.connection.prepare_cached(sql::INSERT_DOCUMENT)?.execute(named_params! {
        ":id": id,
        ":tenant": tenant.as_str(),
        ":generation": generation,
        ":company": new.company,
        ":company_key": company_key,
        ":title": new.title,
        ":url": new.url,
        ":published_on": new.published_on,
        ":content_sha256": new.content_sha256,
        ":bytes": to_stored(new.bytes, "size")?,
        ":pages": new.pages,
        ":created_at": tx.now.as_millis(),
    })?;
    insert_passages(tx, new)?;
    tx.connection.prepare_cached(sql::INSERT_CHANGE)?.execute(named_params! {
        ":tenant": tenant.as_str(),
        ":generation": generation,
        ":document_id": id,
    })?;
    let document = find(tx.connection, new.id)?.ok_or(Fault::Corrupt("document"))?;
    Ok(Stored { document, created: true })
}

fn insert_passages(tx: &Tx<'_>, new: &NewDocument) -> Result<(), Fault> {
    let mut insert = tx.connection.prepare_cached(sql::INSERT_PASSAGE)?;
    for (ordinal, passage) in (1_i64..).zip(&new.passages) {
        insert.execute(named_params! {
            ":document_id": new.id.as_uuid().as_bytes(),
            ":ordinal": ordinal,
            ":page": passage.page,
            ":heading": passage.heading,
            ":table_head": passage.table_head,
            ":text": passage.text,
        })?;
    }
    Ok(())
}

fn list(
    connection: &Connection,
    tenant: &TenantId,
    after: Option<DocumentId>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let after = match after {
        None => Some(0),
        Some(id) => connection.prepare_cached(sql::SELECT_DOCUMENT_GENERATION)?.query_row(
            named_params! { ":document_id": id.as_uuid().as_bytes(), ":tenant": tenant.as_str() },
            |row| row.get::<_, Option<i64>>("generation"),
        )?,
    };
    // Nothing comes after a document that the tenant never had.
    let Some(after) = after else { return Ok(Vec::new()) };
    let mut select = connection.prepare_cached(sql::LIST_DOCUMENTS)?;
    let rows = select.query_map(
        named_params! {
            ":tenant": tenant.as_str(),
            ":after": after,
            ":limit": to_stored(limit as u64, "limit")?,
        },
        DocumentRow::read,
    )?;
    rows.map(|row| row?.into_domain()).collect()
}

fn generation(connection: &Connection, tenant: &TenantId) -> Result<u64, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_GENERATION)?;
    let generation = select
        .query_row(named_params! { ":tenant": tenant.as_str() }, |row| row.get("generation"))?;
    from_stored(generation, "generation")
}

fn changes(
    connection: &Connection,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<CorpusChanges, Fault> {
    let head = generation(connection, tenant)?;
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
        let document = if kind == "added" { find(connection, id)? } else { None };
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

fn find(connection: &Connection, id: DocumentId) -> Result<Option<Document>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_DOCUMENT)?;
    let row = select
        .query_row(named_params! { ":id": id.as_uuid().as_bytes() }, DocumentRow::read)
        .optional()?;
    row.map(DocumentRow::into_domain).transpose()
}

fn passages(connection: &Connection, id: DocumentId) -> Result<Vec<Passage>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_PASSAGES)?;
    let rows =
        select.query_map(named_params! { ":document_id": id.as_uuid().as_bytes() }, |row| {
            Ok(Passage {
                page: row.get("page")?,
                heading: row.get("heading")?,
                table_head: row.get("table_head")?,
                text: row.get("text")?,
            })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

struct DocumentRow {
    id: [u8; 16],
    company: String,
    title: String,
    url: Option<String>,
    published_on: Option<String>,
    content_sha256: String,
    bytes: i64,
    pages: Option<u32>,
    created_at: i64,
}

impl DocumentRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            company: row.get("company")?,
            title: row.get("title")?,
            url: row.get("url")?,
            published_on: row.get("published_on")?,
            content_sha256: row.get("content_sha256")?,
            bytes: row.get("bytes")?,
            pages: row.get("pages")?,
            created_at: row.get("created_at")?,
        })
    }

    fn into_domain(self) -> Result<Document, Fault> {
        Ok(Document {
            id: document_id(self.id),
            state: DocumentState::Ready,
            company: self.company,
            title: self.title,
            url: self.url,
            published_on: self.published_on,
            content_sha256: self.content_sha256,
            bytes: from_stored(self.bytes, "size")?,
            pages: self.pages,
            created_at: contracts::Timestamp::from_millis(self.created_at),
            error: None,
        })
    }
}

const fn document_id(bytes: [u8; 16]) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_bytes(bytes))
}
