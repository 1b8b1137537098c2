//! What becomes of documents that nobody moves any more.

use contracts::{DocumentId, Origin, Problem, Timestamp, TraceContext};
use engine::reading::{Fate, Reading, TIME_MAX};
use rusqlite::{Params, Row, named_params};

use super::finish;
use super::row::{bytes, document_id};
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::sql;

pub(super) fn sweep(tx: &Tx<'_>, limit: usize) -> Result<usize, Fault> {
    let now = tx.now;
    let time_max = i64::try_from(TIME_MAX.as_millis()).map_err(|_| Fault::Unstorable("time"))?;
    let stuck = find(
        tx,
        sql::FIND_STUCK_DOCUMENTS,
        named_params! {
            ":now": now.as_millis(),
            ":begun_until": now.as_millis().saturating_sub(time_max),
            ":limit": to_stored(limit as u64, "limit")?,
        },
    )?;
    for row in &stuck {
        meet(tx, row, row.reading.fate(now))?;
    }
    Ok(stuck.len())
}

/// Gives back what the former process held: every lease is void at the start.
pub(crate) fn recover(tx: &Tx<'_>) -> Result<(), Fault> {
    for row in find(tx, sql::FIND_HELD_DOCUMENTS, [])? {
        meet(tx, &row, row.reading.fate_after_crash())?;
    }
    Ok(())
}

struct ReadingRow {
    id: DocumentId,
    traceparent: String,
    reading: Reading,
}

impl ReadingRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time = |column| -> rusqlite::Result<Option<Timestamp>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
        };
        Ok(Self {
            id: document_id(row.get("id")?),
            traceparent: row.get("traceparent")?,
            reading: Reading {
                started_at: time("started_at")?,
                lease_until: time("lease_until")?,
                crash_count: row.get("crash_count")?,
            },
        })
    }
}

fn find(tx: &Tx<'_>, statement: &str, parameters: impl Params) -> Result<Vec<ReadingRow>, Fault> {
    let mut find = tx.connection.prepare_cached(statement)?;
    let rows = find.query_map(parameters, ReadingRow::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn meet(tx: &Tx<'_>, row: &ReadingRow, fate: Fate) -> Result<(), Fault> {
    match fate {
        Fate::Stays => Ok(()),
        Fate::GivenBack(crash_count) => {
            let parameters = named_params! { ":id": bytes(&row.id), ":crash_count": crash_count };
            tx.connection.prepare_cached(sql::GIVE_BACK_DOCUMENT)?.execute(parameters)?;
            Ok(())
        }
        Fate::Failed(code, detail) => {
            let trace: TraceContext =
                row.traceparent.parse().map_err(|_| Fault::Corrupt("traceparent"))?;
            let problem = Problem::new(code, Origin::Worker, detail).in_trace(trace.trace_id());
            finish::fail(tx, row.id, &problem)
        }
    }
}
