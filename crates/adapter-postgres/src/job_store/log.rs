//! What is written of a job's events: the log itself, and what follows from it.

use contracts::event::LogEntry;
use contracts::{AnalysisResult, Event};
use engine::job::{Job, Recorded};
use uuid::Uuid;

use super::fold::{
    ClosedColumns, Fold, Folded, OpenedColumns, ResultColumns, StepColumns, StepRow,
};
use crate::database::Query;
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::value::{Columns as _, Time, table};

table! {
    /// An entry of a job's log.
    EventRow, EventColumns {
        job_id: Uuid,
        version: i64,
        kind: String,
        time: Time,
        attempt: i32,
        data: String,
    }
}

/// What is to be appended to a job's log, and folded into what clients see.
pub(crate) struct Log {
    entries: Vec<EventRow>,
    pub(crate) fold: Fold,
}

impl Log {
    /// Of a job with these steps so far.
    pub(crate) fn new(job_id: Uuid, steps: Vec<StepRow>) -> Self {
        Self { entries: Vec::new(), fold: Fold::new(job_id, steps) }
    }

    /// Adds an event that the machine decided on. `result` is the answer of a job that succeeds.
    pub(crate) fn record(
        &mut self,
        job: &Job,
        event: &Recorded,
        result: Option<&AnalysisResult>,
    ) -> Result<Event, Fault> {
        let Recorded { version, time, attempt, ref body } = *event;
        let (kind, data) = (body.kind().to_owned(), body.data());
        self.entries.push(EventRow {
            job_id: *job.id.as_uuid(),
            version: to_stored(version, "version")?,
            kind: kind.clone(),
            time: Time(time),
            attempt: to_stored(attempt, "attempt")?,
            data: serde_json::to_string(&data)?,
        });
        self.fold.add(event, result)?;
        let entry = LogEntry { version, time, attempt, kind, data };
        Ok(Event::from_entry(job.id, job.trace, entry))
    }
}

/// The logs of a batch, a statement a table.
#[derive(Default)]
pub(crate) struct LogWrites {
    events: EventColumns,
    opened: OpenedColumns,
    closed: ClosedColumns,
    steps: StepColumns,
    results: ResultColumns,
}

impl LogWrites {
    pub(crate) fn push(&mut self, log: Log) {
        let Folded { opened, closed, steps, result } = log.fold.into_rows();
        log.entries.into_iter().for_each(|row| self.events.push(row));
        opened.into_iter().for_each(|row| self.opened.push(row));
        closed.into_iter().for_each(|row| self.closed.push(row));
        steps.into_iter().for_each(|row| self.steps.push(row));
        result.into_iter().for_each(|row| self.results.push(row));
    }

    /// The statements that have something to write. They follow the write of the jobs' rows.
    pub(crate) fn queries(&self) -> Vec<Query<'_>> {
        let all = [
            (self.events.rows(), sql::INSERT_EVENTS, self.events.parameters()),
            (self.opened.rows(), sql::OPEN_ATTEMPTS, self.opened.parameters()),
            (self.closed.rows(), sql::CLOSE_ATTEMPTS, self.closed.parameters()),
            (self.steps.rows(), sql::PUT_STEPS, self.steps.parameters()),
            (self.results.rows(), sql::INSERT_RESULTS, self.results.parameters()),
        ];
        let written = all.into_iter().filter(|(rows, ..)| *rows > 0);
        written.map(|(_, statement, parameters)| Query::new(statement, parameters)).collect()
    }
}
