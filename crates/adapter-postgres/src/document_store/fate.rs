//! What becomes of documents that nobody moves any more.

use contracts::{Origin, Problem, TraceContext};
use engine::reading::{Fate, Reading, TIME_MAX};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::database::{Database, Parameter, Query, Unfinished};
use crate::fault::{Fault, from_stored, to_stored};
use crate::sql;
use crate::value::{Columns as _, Time, table};

table! {
    /// A document that may be claimed again.
    GivenBackRow, GivenBackColumns { id: Uuid, crash_count: i32, }
}

table! {
    /// A document that failed.
    FailedRow, FailedColumns { id: Uuid, error: String, }
}

pub(super) async fn sweep(database: &Database, limit: usize) -> Result<usize, Fault> {
    let time_max_ms: i64 = to_stored(TIME_MAX.as_millis(), "time")?;
    let limit: i64 = to_stored(limit, "limit")?;
    let find = [&time_max_ms as Parameter<'_>, &limit];
    let queries = vec![Query::new(sql::FIND_STUCK_DOCUMENTS, find), Query::plain(sql::SELECT_NOW)];
    let (transaction, rows) = database.begin(queries).await?;
    let [stuck, now] = &rows[..] else { return Err(Fault::Corrupt("answer")) };
    let Time(now) = now.first().ok_or(Fault::Corrupt("time"))?.try_get("now")?;
    let (mut given_back, mut failed) = (GivenBackColumns::default(), FailedColumns::default());
    for row in stuck {
        let id = row.try_get("id")?;
        match reading(row)?.fate(now) {
            Fate::Stays => {}
            Fate::GivenBack(crashes) => {
                let crash_count = to_stored(crashes, "number of crashes")?;
                given_back.push(GivenBackRow { id, crash_count });
            }
            Fate::Failed(code, detail) => {
                let trace: &str = row.try_get("traceparent")?;
                let trace: TraceContext =
                    trace.parse().map_err(|_| Fault::Corrupt("traceparent"))?;
                let problem = Problem::new(code, Origin::Worker, detail).in_trace(trace.trace_id());
                failed.push(FailedRow { id, error: serde_json::to_string(&problem)? });
            }
        }
    }
    let mut writes = Vec::new();
    if given_back.rows() > 0 {
        writes.push(Query::new(sql::GIVE_BACK_DOCUMENTS, given_back.parameters()));
    }
    if failed.rows() > 0 {
        writes.push(Query::new(sql::FAIL_DOCUMENTS, failed.parameters()));
    }
    transaction.commit(writes).await.map_err(Unfinished::into_fault)?;
    Ok(given_back.rows() + failed.rows())
}

fn reading(row: &Row) -> Result<Reading, Fault> {
    let time = |column| -> Result<_, tokio_postgres::Error> {
        Ok(row.try_get::<_, Option<Time>>(column)?.map(|Time(at)| at))
    };
    let crash_count: i32 = row.try_get("crash_count")?;
    Ok(Reading {
        started_at: time("started_at")?,
        lease_until: time("lease_until")?,
        crash_count: from_stored(crash_count, "number of crashes")?,
    })
}
