//! Choosing whose hints go to the workers next.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use contracts::{Hint, JobId};
use engine::faults::{self, REFILL};
use engine::ports::Refill;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::database::{Database, Parameter, Query, Rows, Transaction, Unfinished, first};
use crate::fault::{Fault, to_stored};
use crate::sql;

/// Jobs whose time has come that are admitted in one refill.
const ADMITTED_MAX: i64 = 1_000;

pub(crate) async fn refill(database: &Database, refill: Refill) -> Result<Vec<Hint>, Fault> {
    let window: i64 = to_stored(refill.window, "window")?;
    let (first_ms, max_ms) = (millis(refill.resend.first), millis(refill.resend.max));
    let queries = vec![
        Query::plain(sql::TRY_REFILLING),
        Query::new(sql::FIND_STALE_HINTS, [&first_ms as Parameter<'_>, &max_ms, &window]),
        Query::new(sql::COUNT_HINTED, [&window as Parameter<'_>]),
        Query::new(sql::ADMIT_DUE, [&ADMITTED_MAX as Parameter<'_>]),
    ];
    let (mut transaction, rows) = database.begin(queries).await?;
    let [is_first, stale, hinted, _] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    let is_first: bool = only(is_first)?.try_get("is_first")?;
    let hinted: i64 = only(hinted)?.try_get("hinted")?;
    if !is_first {
        transaction.commit(Vec::new()).await.map_err(Unfinished::into_fault)?;
        return Ok(Vec::new());
    }
    let mut ids = ids(stale)?;
    let room = usize::try_from(window - hinted).unwrap_or(0);
    let mut writes = Vec::new();
    let mut turns = Turns::default();
    if room > 0 {
        turns = choose(&mut transaction, room).await?;
        ids.extend(&turns.chosen);
    }
    if !ids.is_empty() {
        writes.push(Query::new(sql::MARK_HINTED, [&ids as Parameter<'_>]));
    }
    if let Some(tenant) = &turns.last_tenant {
        writes.push(Query::new(sql::KEEP_TURN, [tenant as Parameter<'_>]));
    }
    if ids.is_empty() {
        transaction.commit(writes).await.map_err(Unfinished::into_fault)?;
        return Ok(Vec::new());
    }
    faults::reach(REFILL.before);
    let rows = transaction.commit(writes).await.map_err(Unfinished::into_fault)?;
    faults::reach(REFILL.after);
    let marked = first(rows).iter().map(marked).collect::<Result<HashMap<_, _>, _>>()?;
    Ok(ids.iter().filter_map(|id| marked.get(id)).copied().collect())
}

pub(crate) async fn unhint(database: &Database, hints: &[Hint]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = hints.iter().map(|hint| *hint.job_id.as_uuid()).collect();
    database.run(Query::new(sql::CLEAR_HINTS, [&ids as Parameter<'_>])).await?;
    Ok(())
}

/// A job that is marked as hinted, with its hint.
fn marked(row: &Row) -> Result<(Uuid, Hint), Fault> {
    let (id, trace): (Uuid, String) = (row.try_get("id")?, row.try_get("traceparent")?);
    let trace = trace.parse().map_err(|_| Fault::Corrupt("traceparent"))?;
    Ok((id, Hint::of(JobId::from_uuid(id)).in_trace(trace)))
}

/// Whose turn it was.
#[derive(Default)]
struct Turns {
    chosen: Vec<Uuid>,
    last_tenant: Option<String>,
}

/// A tenant's first jobs, in the order that they are to start.
struct Waiting {
    tenant: String,
    ids: VecDeque<Uuid>,
}

/// One job of each tenant, in the order of their turns, then another one of each, until there is
/// no room.
///
/// No more is read than the room can need: with as many tenants as room, one job of each.
async fn choose(transaction: &mut Transaction, room: usize) -> Result<Turns, Fault> {
    let rows = transaction.run(vec![Query::plain(sql::SELECT_WAITING_TENANTS)]).await?;
    let rows = first(rows);
    let tenants = rows.iter().map(|row| row.try_get("tenant"));
    let tenants = tenants.collect::<Result<Vec<String>, _>>()?;
    let mut considered = tenants.len().min(room);
    let mut depth = room.div_ceil(considered.max(1));
    loop {
        let limit: i64 = to_stored(depth, "window")?;
        let those: Vec<&str> = tenants.iter().take(considered).map(String::as_str).collect();
        let find = Query::new(sql::FIND_UNHINTED, [&those as Parameter<'_>, &limit]);
        let rows = first(transaction.run(vec![find]).await?);
        let is_all = considered == tenants.len() && depth >= room;
        if rows.len() >= room || is_all {
            return Ok(in_turns(waiting(&rows)?, room));
        }
        // Some have fewer jobs than their share, or none that could still start in time.
        considered = tenants.len();
        depth = (depth * 4).min(room);
    }
}

fn waiting(rows: &Rows) -> Result<Vec<Waiting>, Fault> {
    let mut tenants: Vec<Waiting> = Vec::new();
    for row in rows {
        let (tenant, id): (String, Uuid) = (row.try_get("tenant")?, row.try_get("id")?);
        match tenants.last_mut() {
            Some(last) if last.tenant == tenant => last.ids.push_back(id),
            Some(_) | None => tenants.push(Waiting { tenant, ids: VecDeque::from([id]) }),
        }
    }
    Ok(tenants)
}

fn in_turns(mut tenants: Vec<Waiting>, room: usize) -> Turns {
    let mut turns = Turns::default();
    while turns.chosen.len() < room && !tenants.is_empty() {
        let left = room - turns.chosen.len();
        for waiting in tenants.iter_mut().take(left) {
            if let Some(id) = waiting.ids.pop_front() {
                turns.chosen.push(id);
                turns.last_tenant = Some(waiting.tenant.clone());
            }
        }
        tenants.retain(|waiting| !waiting.ids.is_empty());
    }
    turns
}

/// A time that can be doubled again and again: 34 years are as good as for ever.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).min(1 << 40)
}

fn only(rows: &Rows) -> Result<&Row, Fault> {
    rows.first().ok_or(Fault::Corrupt("answer"))
}

fn ids(rows: &Rows) -> Result<Vec<Uuid>, Fault> {
    Ok(rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?)
}
