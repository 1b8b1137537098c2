//! Choosing whose hints go to the workers next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::{Hint, JobId};
use engine::ports::Refill;
use rusqlite::{Row, named_params};

use super::row::job_id;
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::sql;

/// The tenant that was served last: among tenants with as much under way, the turn goes round.
#[derive(Clone, Default)]
pub(crate) struct LastServed {
    tenant: Arc<Mutex<String>>,
}

/// A tenant with jobs that wait.
struct Waiting {
    tenant: String,
    busy: i64,
    ids: VecDeque<JobId>,
}

pub(crate) fn refill(
    tx: &Tx<'_>,
    last_served: &LastServed,
    refill: Refill,
) -> Result<Vec<Hint>, Fault> {
    let window = to_stored(refill.window as u64, "window")?;
    let mut ids = stale_hints(tx, refill)?;
    let hinted: i64 = tx
        .connection
        .prepare_cached(sql::COUNT_HINTED)?
        .query_row(named_params! { ":limit": window }, |row| row.get("hinted"))?;
    let room = usize::try_from(window - hinted).unwrap_or(0);
    if room > 0 {
        ids.extend(in_turns(waiting(tx, last_served, room)?, room, last_served));
    }
    let mut mark = tx.connection.prepare_cached(sql::MARK_HINTED)?;
    for id in &ids {
        mark.execute(named_params! {
            ":id": id.as_uuid().as_bytes(),
            ":now": tx.now.as_millis(),
        })?;
    }
    Ok(ids.into_iter().map(Hint::of).collect())
}

pub(crate) fn unhint(tx: &Tx<'_>, hints: &[Hint]) -> Result<(), Fault> {
    let mut clear = tx.connection.prepare_cached(sql::CLEAR_HINT)?;
    for hint in hints {
        clear.execute(named_params! { ":id": hint.job_id.as_uuid().as_bytes() })?;
    }
    Ok(())
}

/// Hints that nobody claimed: lost, or waiting behind too many others.
fn stale_hints(tx: &Tx<'_>, refill: Refill) -> Result<Vec<JobId>, Fault> {
    let mut select = tx.connection.prepare_cached(sql::FIND_STALE_HINTS)?;
    let ids = select.query_map(
        named_params! {
            ":now": tx.now.as_millis(),
            ":first_ms": millis(refill.resend.first),
            ":max_ms": millis(refill.resend.max),
            ":limit": to_stored(refill.window as u64, "window")?,
        },
        read_id,
    )?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// A time that can be doubled again and again: 34 years are as good as for ever.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).min(1 << 40)
}

/// The tenants with jobs that wait, in the order of their turns, each with its first jobs.
fn waiting(tx: &Tx<'_>, last_served: &LastServed, room: usize) -> Result<Vec<Waiting>, Fault> {
    let mut select = tx.connection.prepare_cached(sql::SELECT_WAITING_TENANTS)?;
    let rows = select.query_map([], |row| {
        Ok(Waiting { tenant: row.get("tenant")?, busy: row.get("busy")?, ids: VecDeque::new() })
    })?;
    let mut tenants = rows.collect::<Result<Vec<_>, _>>()?;
    let last = last_served.tenant.lock().unwrap_or_else(PoisonError::into_inner).clone();
    tenants.sort_by(|a, b| {
        let turn = |waiting: &Waiting| (waiting.busy, waiting.tenant <= last);
        turn(a).cmp(&turn(b)).then_with(|| a.tenant.cmp(&b.tenant))
    });
    let mut select = tx.connection.prepare_cached(sql::FIND_UNHINTED)?;
    for waiting in &mut tenants {
        let ids = select.query_map(
            named_params! {
                ":tenant": waiting.tenant,
                ":now": tx.now.as_millis(),
                ":limit": to_stored(room as u64, "window")?,
            },
            read_id,
        )?;
        waiting.ids = ids.collect::<Result<_, _>>()?;
    }
    Ok(tenants)
}

/// One job of each tenant, then another one of each, until there is no room.
fn in_turns(mut tenants: Vec<Waiting>, room: usize, last_served: &LastServed) -> Vec<JobId> {
    let mut chosen = Vec::with_capacity(room);
    let mut last = None;
    while chosen.len() < room {
        let before = chosen.len();
        for waiting in tenants.iter_mut().take(room - before) {
            if let Some(id) = waiting.ids.pop_front() {
                chosen.push(id);
                last = Some(waiting.tenant.clone());
            }
        }
        tenants.retain(|waiting| !waiting.ids.is_empty());
        if chosen.len() == before && tenants.is_empty() {
            break;
        }
    }
    if let Some(tenant) = last {
        *last_served.tenant.lock().unwrap_or_else(PoisonError::into_inner) = tenant;
    }
    chosen
}

fn read_id(row: &Row<'_>) -> rusqlite::Result<JobId> {
    row.get("id").map(job_id)
}
