//! Deleting jobs: at their clients' wish, or at the end of their retention.

use std::time::Duration;

use contracts::{JobId, TenantId};
use engine::ports::Deletion;
use rusqlite::{Connection, named_params};

use super::record::StoredJob;
use crate::database::Tx;
use crate::fault::Fault;
use crate::sql;

/// Days that a deleted job's id and key are remembered.
const TOMBSTONE_DAYS: u64 = 30;

pub(crate) fn delete_ended(tx: &Tx<'_>, tenant: &TenantId, id: JobId) -> Result<Deletion, Fault> {
    match StoredJob::load(tx, id)?.map(|stored| stored.row.job) {
        Some(job) if job.tenant == *tenant && job.is_ended() => {
            delete(tx, id)?;
            Ok(Deletion::Deleted)
        }
        Some(job) if job.tenant == *tenant => Ok(Deletion::NotEnded),
        Some(_) | None => Ok(Deletion::Unknown),
    }
}

/// Deletes a job and everything of it; only that it was there is remembered for a while.
pub(crate) fn delete(tx: &Tx<'_>, id: JobId) -> Result<(), Fault> {
    let kept = Duration::from_secs(TOMBSTONE_DAYS * 24 * 60 * 60);
    let forget_at = tx.now.after(kept).as_millis();
    let id = id.as_uuid().as_bytes();
    tx.connection
        .prepare_cached(sql::INSERT_TOMBSTONE)?
        .execute(named_params! { ":id": id, ":forget_at": forget_at })?;
    tx.connection.prepare_cached(sql::DELETE_JOB)?.execute(named_params! { ":id": id })?;
    Ok(())
}

pub(crate) fn is_gone(
    connection: &Connection,
    tenant: &TenantId,
    id: JobId,
) -> Result<bool, Fault> {
    let parameters =
        named_params! { ":job_id": id.as_uuid().as_bytes(), ":tenant": tenant.as_str() };
    Ok(connection.prepare_cached(sql::SELECT_TOMBSTONE_OF_TENANT)?.exists(parameters)?)
}
