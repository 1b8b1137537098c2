//! Ending jobs at their clients' wish, or because their time is over.

use contracts::{JobId, TenantId};
use engine::job::Change;
use engine::ports::{Cancelled, Committed};

use super::record::StoredJob;
use crate::database::Tx;
use crate::fault::Fault;

pub(crate) fn cancel(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: JobId,
    reason: Option<String>,
) -> Result<Option<Cancelled>, Fault> {
    end_if_overdue(tx, id)?;
    let found = StoredJob::load(tx, id)?.filter(|stored| stored.row.job.tenant == *tenant);
    let Some(stored) = found else { return Ok(None) };
    let unchanged = stored.row.job.clone();
    let cancelled = match stored.change(tx, Change::RequestCancel { reason })? {
        Ok(committed) => Cancelled { committed, refused: None },
        Err(refusal) => {
            let before = Some(unchanged.standing());
            let committed = Committed { before, job: unchanged, events: Vec::new() };
            Cancelled { committed, refused: Some(refusal) }
        }
    };
    Ok(Some(cancelled))
}

/// Ends a job whose deadline has passed; the next sweep tells of it.
pub(crate) fn end_if_overdue(tx: &mut Tx<'_>, id: JobId) -> Result<(), Fault> {
    if let Some(stored) = StoredJob::load(tx, id)?
        && let Ok(committed) = stored.change(tx, Change::PassDeadline)?
    {
        tx.late_news.extend(committed.unless_empty());
    }
    Ok(())
}
