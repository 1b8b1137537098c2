//! From a document's acceptance to its claim.

use std::time::Duration;

use contracts::{Document, DocumentId, TenantId};
use engine::company_key;
use engine::faults::{self, ACCEPT};
use engine::ports::{ClaimedDocument, DocumentHold, MediaType, NewDocument, StoreError};
use engine::reading::Reading;
use uuid::Uuid;

use super::row::document;
use crate::database::{Database, Parameter, Query, Unfinished};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;
use crate::value::Time;

pub(super) async fn accept(
    database: &Database,
    tenant: &TenantId,
    new: &NewDocument,
) -> Result<Document, StoreError> {
    let (tenant, company_key) = (tenant.as_str(), company_key(&new.company));
    let (media_type, trace) = (new.media_type.as_str(), new.trace.to_string());
    let accept: [Parameter<'_>; 11] = [
        new.id.as_uuid(),
        &tenant,
        &new.company,
        &company_key,
        &new.title,
        &new.url,
        &new.published_on,
        &media_type,
        &new.content_sha256,
        &new.bytes,
        &trace,
    ];
    let known = [&tenant as Parameter<'_>, &company_key, &new.content_sha256];
    let queries = vec![
        Query::new(sql::ACCEPT_DOCUMENT, accept),
        Query::new(sql::SELECT_DOCUMENT_BY_CONTENT, known),
    ];
    faults::reach(ACCEPT.before);
    let rows = database.write_document(queries).await?;
    faults::reach(ACCEPT.after);
    let found = rows.last().and_then(|rows| rows.first()).ok_or(Fault::Corrupt("document"))?;
    Ok(document(found)?)
}

pub(super) async fn claim(
    database: &Database,
    lease: Duration,
) -> Result<Option<ClaimedDocument>, Fault> {
    let lease_ms = millis(lease);
    let claim = Query::new(sql::CLAIM_DOCUMENT, [&lease_ms as Parameter<'_>]);
    let rows = database.write_document(vec![claim]).await.map_err(Unfinished::into_fault)?;
    let Some(row) = rows.first().and_then(|rows| rows.first()) else { return Ok(None) };
    let (id, epoch): (Uuid, i64) = (row.try_get("id")?, row.try_get("epoch")?);
    let (Time(started_at), Time(now)) = (row.try_get("started_at")?, row.try_get("now")?);
    let (media_type, trace): (&str, &str) =
        (row.try_get("media_type")?, row.try_get("traceparent")?);
    let reading = Reading { started_at: Some(started_at), lease_until: None, crash_count: 0 };
    Ok(Some(ClaimedDocument {
        hold: DocumentHold { id: DocumentId::from_uuid(id), epoch: from_stored(epoch, "epoch")? },
        media_type: MediaType::from_name(media_type).ok_or(Fault::Corrupt("media type"))?,
        bytes: row.try_get("content")?,
        trace: trace.parse().map_err(|_| Fault::Corrupt("traceparent"))?,
        left: reading.left(now),
    }))
}

pub(super) async fn renew(
    database: &Database,
    hold: DocumentHold,
    lease: Duration,
) -> Result<bool, Fault> {
    let (epoch, lease_ms): (i64, _) = (to_stored(hold.epoch, "epoch")?, millis(lease));
    let held = [hold.id.as_uuid() as Parameter<'_>, &epoch, &lease_ms];
    Ok(!database.run(Query::new(sql::RENEW_DOCUMENT, held)).await?.is_empty())
}

pub(super) async fn release(database: &Database, hold: DocumentHold) -> Result<(), Fault> {
    let epoch: i64 = to_stored(hold.epoch, "epoch")?;
    let held = [hold.id.as_uuid() as Parameter<'_>, &epoch];
    database.run(Query::new(sql::RELEASE_DOCUMENT, held)).await?;
    Ok(())
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
