//! Housekeeping, and what a new process finds of the former one.

use std::time::Duration;

use contracts::{JobId, Timestamp, WorkerId};
use engine::job::{CANCEL_GRACE_MS, Change};
use engine::ports::{Committed, Swept};
use rusqlite::{Params, named_params};

use super::delete::delete;
use super::leases::Leases;
use super::record::StoredJob;
use super::row::{job_id, worker_id};
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::sql;

pub(crate) fn sweep(
    tx: &mut Tx<'_>,
    leases: &Leases,
    lease: Duration,
    limit: usize,
) -> Result<Swept, Fault> {
    leases.expire(tx.now, lease);
    let mut round = Round { tx, left: limit, committed: Vec::new(), has_moved: false };
    round.end_overdue()?;
    round.settle_cancels()?;
    round.give_back(leases)?;
    round.purge()?;
    round.forget_tombstones()?;
    // A round that moved nothing met only rows that it cannot move: again at once would not help.
    let more = round.left == 0 && round.has_moved;
    Ok(Swept { committed: round.committed, more })
}

/// Gives back what the former process held, and forgets which hints it sent. Nobody listens yet,
/// so there is nobody to tell.
pub(crate) fn recover(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.connection.prepare_cached(sql::CLEAR_ALL_HINTS)?.execute([])?;
    for worker in holders(tx)? {
        for id in held(tx, worker, usize::MAX)? {
            change(tx, id, Change::LoseLease)?;
        }
    }
    Ok(())
}

struct Round<'a, 'c> {
    tx: &'a mut Tx<'c>,
    /// Rows that this round may still touch.
    left: usize,
    committed: Vec<Committed>,
    has_moved: bool,
}

impl Round<'_, '_> {
    /// First, so that a job whose worker is gone and whose time is over ends, rather than wait.
    fn end_overdue(&mut self) -> Result<(), Fault> {
        let now = self.tx.now.as_millis();
        let limit = self.limit()?;
        let parameters = named_params! { ":now": now, ":limit": limit };
        let ids = find(self.tx, sql::FIND_OVERDUE, parameters)?;
        self.change_each(ids, &Change::PassDeadline);
        Ok(())
    }

    fn settle_cancels(&mut self) -> Result<(), Fault> {
        let until = earlier(self.tx.now, Duration::from_millis(CANCEL_GRACE_MS));
        let limit = self.limit()?;
        let parameters = named_params! { ":requested_until": until, ":limit": limit };
        let ids = find(self.tx, sql::FIND_UNSETTLED, parameters)?;
        self.change_each(ids, &Change::ConfirmCancel);
        Ok(())
    }

    fn give_back(&mut self, leases: &Leases) -> Result<(), Fault> {
        for worker in holders(self.tx)?.into_iter().filter(|worker| !leases.is_held(*worker)) {
            let ids = held(self.tx, worker, self.left)?;
            self.change_each(ids, &Change::LoseLease);
        }
        Ok(())
    }

    fn purge(&mut self) -> Result<(), Fault> {
        let now = self.tx.now.as_millis();
        let limit = self.limit()?;
        let parameters = named_params! { ":now": now, ":limit": limit };
        for id in find(self.tx, sql::FIND_EXPIRED, parameters)? {
            self.one(id, |tx| delete(tx, id).map(|()| None));
        }
        Ok(())
    }

    fn forget_tombstones(&mut self) -> Result<(), Fault> {
        let rows =
            self.tx.connection.prepare_cached(sql::FORGET_TOMBSTONES)?.execute(named_params! {
                ":now": self.tx.now.as_millis(),
                ":limit": self.limit()?,
            })?;
        self.left = self.left.saturating_sub(rows);
        self.has_moved |= rows > 0;
        Ok(())
    }

    fn change_each(&mut self, ids: Vec<JobId>, change_by: &Change) {
        for id in ids {
            self.one(id, |tx| change(tx, id, change_by.clone()));
        }
    }

    /// One job, on its own: if it cannot be moved, the others are.
    fn one(
        &mut self,
        id: JobId,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Option<Committed>, Fault>,
    ) {
        self.left = self.left.saturating_sub(1);
        match self.tx.isolated(work) {
            Ok(committed) => {
                self.committed.extend(committed);
                self.has_moved = true;
            }
            Err(fault) => {
                tracing::error!(
                    job_id = %id,
                    error = &fault as &dyn std::error::Error,
                    "job passed over by the sweep"
                );
            }
        }
    }

    fn limit(&self) -> Result<i64, Fault> {
        to_stored(self.left as u64, "limit")
    }
}

fn change(tx: &Tx<'_>, id: JobId, change: Change) -> Result<Option<Committed>, Fault> {
    let Some(stored) = StoredJob::load(tx, id)? else { return Ok(None) };
    Ok(stored.change(tx, change)??.unless_empty())
}

fn holders(tx: &Tx<'_>) -> Result<Vec<WorkerId>, Fault> {
    let mut select = tx.connection.prepare_cached(sql::SELECT_HOLDERS)?;
    let workers = select.query_map([], |row| row.get("worker").map(worker_id))?;
    Ok(workers.collect::<Result<_, _>>()?)
}

fn held(tx: &Tx<'_>, worker: WorkerId, limit: usize) -> Result<Vec<JobId>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let worker = worker.as_uuid().as_bytes();
    find(tx, sql::FIND_HELD, named_params! { ":worker": worker, ":limit": limit })
}

fn find(tx: &Tx<'_>, statement: &str, parameters: impl Params) -> Result<Vec<JobId>, Fault> {
    let mut select = tx.connection.prepare_cached(statement)?;
    let ids = select.query_map(parameters, |row| row.get("id").map(job_id))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn earlier(now: Timestamp, by: Duration) -> i64 {
    let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    now.as_millis().saturating_sub(by_ms)
}
