//! Housekeeping. Any number of processes may sweep at a time: rows that another one is at are
//! passed over, and what it did is found done.

use std::sync::Arc;
use std::time::Duration;

use contracts::JobId;
use engine::job::{CANCEL_GRACE_MS, Change};
use engine::ports::{Committed, Swept};
use futures_util::future::join_all;
use tokio_postgres::Row;
use uuid::Uuid;

use super::asked::{Decide, ask};
use super::delete::TOMBSTONE_DAYS;
use super::draft::Draft;
use super::worker::GiveBack;
use crate::database::{Parameter, Query};
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::store::Store;

/// Milliseconds after the last sweep, of whatever process, from which on a sweep was asleep.
const SWEEP_GAP_MS: i64 = 2_000;
/// Milliseconds of silence after which a worker whose lock is gone is dead: the time to connect
/// again.
const UNLOCKED_SILENCE_MS: i64 = 1_500;

pub(crate) async fn sweep(store: &Store, lease: Duration, limit: usize) -> Result<Swept, Fault> {
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let note = Query::new(sql::NOTE_SWEEP, [&lease_ms as Parameter<'_>, &SWEEP_GAP_MS]);
    store.database().run(note).await?;
    let limits = [&lease_ms as Parameter<'_>, &UNLOCKED_SILENCE_MS];
    store.database().run(Query::new(sql::FORGET_SILENT_WORKERS, limits)).await?;
    store.database().run(Query::plain(sql::NOTE_PIPELINES)).await?;

    let mut round = Round { store, left: limit, committed: Vec::new(), has_moved: false };
    round.give_back_unknown_claims().await;
    // First, so that a job whose worker is gone and whose time is over ends, rather than wait.
    round.change_each(sql::FIND_OVERDUE, &[], &Change::PassDeadline).await?;
    let grace_ms: i64 = to_stored(CANCEL_GRACE_MS, "time")?;
    round.change_each(sql::FIND_UNSETTLED, &[&grace_ms], &Change::ConfirmCancel).await?;
    round.change_each(sql::FIND_ORPHANS, &[], &Change::LoseLease).await?;
    round.delete(sql::DELETE_EXPIRED, &[&TOMBSTONE_DAYS]).await?;
    round.delete(sql::FORGET_TOMBSTONES, &[]).await?;
    // A round that moved nothing met only rows that it cannot move: again at once would not help.
    let more = round.left == 0 && round.has_moved;
    Ok(Swept { committed: round.committed, more })
}

struct Round<'a> {
    store: &'a Store,
    /// Rows that this round may still touch.
    left: usize,
    committed: Vec<Committed>,
    has_moved: bool,
}

impl Round<'_> {
    /// Gives back what this process may have claimed without knowing. What cannot be asked now is
    /// asked again by the next sweep.
    async fn give_back_unknown_claims(&mut self) {
        let store = self.store;
        let unknown = store.unknown_claims();
        let given_back = unknown.all().into_iter().map(|(worker, id)| async move {
            let give_back = GiveBack { worker, unknown: Arc::clone(unknown) };
            let committed = ask(store.claims(), id, give_back).await.ok()?;
            unknown.forget(worker, id);
            committed
        });
        let committed = join_all(given_back).await;
        self.committed.extend(committed.into_iter().flatten());
    }

    /// Makes a change of each job that is found: one that cannot be moved keeps no other from it.
    async fn change_each(
        &mut self,
        find: &'static str,
        parameters: &[Parameter<'_>],
        change: &Change,
    ) -> Result<(), Fault> {
        let rows = self.rows(find, parameters).await?;
        let found = rows.iter().map(Found::read).collect::<Result<Vec<_>, _>>()?;
        self.left = self.left.saturating_sub(found.len());
        let sweeps = self.store.sweeps();
        let moves = found.into_iter().map(|Found { id, epoch }| async move {
            let sweeping = Sweeping { epoch, change: change.clone() };
            (id, ask(sweeps, id, sweeping).await)
        });
        for (id, moved) in join_all(moves).await {
            match moved {
                Ok(committed) => {
                    self.has_moved |= committed.is_some();
                    self.committed.extend(committed);
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(job_id = %id, error, "job passed over by the sweep");
                }
            }
        }
        Ok(())
    }

    async fn delete(
        &mut self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), Fault> {
        let rows = self.rows(statement, parameters).await?.len();
        self.left = self.left.saturating_sub(rows);
        self.has_moved |= rows > 0;
        Ok(())
    }

    /// Runs a statement whose first value is how many rows it may still touch.
    async fn rows(
        &self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let left: i64 = to_stored(self.left, "limit")?;
        let mut all: Vec<Parameter<'_>> = vec![&left];
        all.extend(parameters);
        self.store.database().run(Query::new(statement, all)).await
    }
}

/// A job to move on, as it was found: without a lock.
struct Found {
    id: JobId,
    epoch: i64,
}

impl Found {
    fn read(row: &Row) -> Result<Self, Fault> {
        let id: Uuid = row.try_get("id")?;
        Ok(Self { id: JobId::from_uuid(id), epoch: row.try_get("epoch")? })
    }
}

/// A change that somebody who looks after jobs makes.
struct Sweeping {
    epoch: i64,
    change: Change,
}

impl Decide for Sweeping {
    type Answer = Option<Committed>;

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault> {
        let Some(draft) = job else { return Ok(None) };
        // Since it was found, another worker may have claimed it.
        let epoch: i64 = to_stored(draft.row.job.epoch, "epoch")?;
        if epoch != self.epoch {
            return Ok(None);
        }
        // It may also have moved on by itself, so that there is nothing left to do.
        let Ok(events) = draft.change(self.change.clone())? else { return Ok(None) };
        Ok(draft.committed(events).unless_empty())
    }
}
