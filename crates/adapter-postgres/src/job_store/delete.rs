//! Deleting jobs at their clients' wish.

use contracts::{JobId, TenantId};
use engine::ports::{Deletion, StoreError};

use crate::database::{Database, Parameter, Query, first};
use crate::fault::Fault;
use crate::sql;

/// Days that a deleted job's id and key are remembered.
pub(crate) const TOMBSTONE_DAYS: i64 = 30;

pub(crate) async fn delete(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
) -> Result<Deletion, StoreError> {
    let (id, tenant) = (*id.as_uuid(), tenant.as_str());
    let parameters = [&id as Parameter<'_>, &tenant, &TOMBSTONE_DAYS];
    let (transaction, rows) =
        database.begin(vec![Query::new(sql::DELETE_ENDED, parameters)]).await?;
    transaction.commit(Vec::new()).await?;
    let rows = first(rows);
    let Some(row) = rows.first() else { return Ok(Deletion::Unknown) };
    let has_ended: bool = row.try_get("has_ended").map_err(Fault::from)?;
    Ok(if has_ended { Deletion::Deleted } else { Deletion::NotEnded })
}

pub(crate) async fn is_gone(
    database: &Database,
    tenant: &TenantId,
    id: JobId,
) -> Result<bool, Fault> {
    let (id, tenant) = (*id.as_uuid(), tenant.as_str());
    let select = Query::new(sql::SELECT_TOMBSTONE, [&id as Parameter<'_>, &tenant]);
    Ok(!database.run(select).await?.is_empty())
}
