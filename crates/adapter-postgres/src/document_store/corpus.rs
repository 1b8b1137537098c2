//! What an index reads.

use std::collections::HashMap;

use contracts::{DocumentId, TenantId};
use engine::ports::{CorpusChange, CorpusChanges, CorpusHead, Passage, StoredDocument};
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::document;
use crate::database::{Database, Parameter, Query, Rows, Unfinished, first};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;

pub(super) async fn head(database: &Database, tenant: &TenantId) -> Result<CorpusHead, Fault> {
    let tenant = tenant.as_str();
    let select = Query::new(sql::SELECT_CORPUS_HEAD, [&tenant as Parameter<'_>]);
    read_head(&database.run(select).await?)
}

pub(super) async fn changes(
    database: &Database,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<CorpusChanges, Fault> {
    let tenant = tenant.as_str();
    // No generation is that high: what is beyond it is beyond this, too.
    let later_than = i64::try_from(after).unwrap_or(i64::MAX);
    let limit: i64 = to_stored(limit, "limit")?;
    let queries = vec![
        Query::new(sql::SELECT_CORPUS_HEAD, [&tenant as Parameter<'_>]),
        Query::new(sql::SELECT_CHANGES, [&tenant as Parameter<'_>, &later_than, &limit]),
    ];
    let (transaction, rows) = database.begin_reading_documents(queries).await?;
    let [heads, rows] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    let ids = rows.iter().map(|row| row.try_get("document_id"));
    let ids = ids.collect::<Result<Vec<Uuid>, _>>()?;
    let passages = vec![Query::new(sql::SELECT_PASSAGES, [&ids as Parameter<'_>])];
    let passages = transaction.commit(passages).await.map_err(Unfinished::into_fault)?;
    let mut passages = passages_by_document(&first(passages))?;
    let head = read_head(heads)?.generation;
    let mut changes = Vec::with_capacity(rows.len());
    let mut reached = after.min(head);
    for row in rows {
        changes.push(change(row, &mut passages)?);
        let generation: i64 = row.try_get("generation")?;
        reached = from_stored(generation, "generation")?;
    }
    Ok(CorpusChanges { changes, generation: reached, head })
}

fn change(row: &Row, passages: &mut HashMap<Uuid, Vec<Passage>>) -> Result<CorpusChange, Fault> {
    let id: Uuid = row.try_get("document_id")?;
    if !row.try_get::<_, bool>("is_added")? {
        return Ok(CorpusChange::Removed(DocumentId::from_uuid(id)));
    }
    let passages = passages.remove(&id).unwrap_or_default();
    Ok(CorpusChange::Added(StoredDocument { document: document(row)?, passages }))
}

fn read_head(rows: &Rows) -> Result<CorpusHead, Fault> {
    let Some(row) = rows.first() else { return Ok(CorpusHead { generation: 0, origin: None }) };
    let (generation, origin): (i64, Uuid) = (row.try_get("generation")?, row.try_get("origin")?);
    Ok(CorpusHead {
        generation: from_stored(generation, "generation")?,
        origin: Some(DocumentId::from_uuid(origin)),
    })
}

fn passages_by_document(rows: &Rows) -> Result<HashMap<Uuid, Vec<Passage>>, Fault> {
    let mut passages: HashMap<Uuid, Vec<Passage>> = HashMap::new();
    for row in rows {
        let page: Option<i32> = row.try_get("page")?;
        passages.entry(row.try_get("document_id")?).or_default().push(Passage {
            page: page.map(|page| from_stored(page, "page")).transpose()?,
            heading: row.try_get("heading")?,
            table_head: row.try_get("table_head")?,
            text: row.try_get("text")?,
        });
    }
    Ok(passages)
}
