//! What is written of a new job.

use contracts::Timestamp;
use contracts::job::Usage;
use engine::job::{Job, Recorded};
use engine::ports::{Committed, NewJob};
use uuid::Uuid;

use crate::database::Query;
use crate::fault::Fault;
use crate::job_store::log::{Log, LogWrites};
use crate::job_store::read::labels;
use crate::job_store::row::{BirthColumns, BirthRow, JobAndHolder, LifeColumns, LifeRow};
use crate::sql;
use crate::value::{Columns as _, Time, table};

table! {
    /// What was asked.
    InputRow, InputColumns {
        job_id: Uuid,
        company_name: String,
        labels: String,
        submission: String,
        retry_of: Option<Uuid>,
    }
}

/// A new job with all that is written of it.
pub(super) struct Birth {
    committed: Committed,
    life: LifeRow,
    birth: BirthRow,
    hinted_at: Option<Time>,
    input: InputRow,
    log: Log,
}

impl Birth {
    pub(super) fn of(new: &NewJob, now: Timestamp, hinted: bool) -> Result<Self, Fault> {
        let (job, recorded) = create(new, now)?;
        let mut log = Log::new(*job.id.as_uuid(), Vec::new());
        let events = recorded.iter().map(|event| log.record(&job, event, None));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        log.fold.keep(&new.carried)?;
        let row = JobAndHolder { job, holder: None, usage: Usage::default() };
        Ok(Self {
            life: LifeRow::of(&row)?,
            birth: BirthRow::of(&row.job)?,
            hinted_at: hinted.then_some(Time(now)),
            input: InputRow {
                job_id: *row.job.id.as_uuid(),
                company_name: new.submission.company_name.clone(),
                labels: serde_json::to_string(&labels(&new.submission.labels)?)?,
                submission: serde_json::to_string(&new.submission)?,
                retry_of: new.retry_of.map(|id| *id.as_uuid()),
            },
            log,
            committed: Committed { before: None, job: row.job, events },
        })
    }

    /// What is committed of it.
    pub(super) const fn committed(&self) -> &Committed {
        &self.committed
    }

    /// The size of its request.
    pub(super) const fn request_bytes(&self) -> usize {
        self.input.submission.len()
    }
}

/// The job with its log: `job.created`, then what tells of the steps taken over.
fn create(new: &NewJob, now: Timestamp) -> Result<(Job, Vec<Recorded>), Fault> {
    let (job, created) = Job::create(new.identity.clone(), new.created(now), now);
    if new.carried_events.is_empty() {
        return Ok((job, vec![created]));
    }
    let mut recorded = vec![created];
    for (version, body) in (2..).zip(&new.carried_events) {
        if body.kind().starts_with("job.") {
            return Err(Fault::Unstorable("a carried event that is not of a step"));
        }
        recorded.push(Recorded { version, time: now, attempt: 0, body: body.clone() });
    }
    let job = Job::replay(new.identity.clone(), &recorded)
        .map_err(|_| Fault::Unstorable("a log that cannot be replayed"))?;
    Ok((job, recorded))
}

/// The new jobs of a batch, a statement a table.
#[derive(Default)]
pub(super) struct Births {
    lives: LifeColumns,
    births: BirthColumns,
    hinted_at: Vec<Option<Time>>,
    inputs: InputColumns,
    logs: LogWrites,
}

impl Births {
    pub(super) fn push(&mut self, new: Birth) {
        self.lives.push(new.life);
        self.births.push(new.birth);
        self.hinted_at.push(new.hinted_at);
        self.inputs.push(new.input);
        self.logs.push(new.log);
    }

    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        if self.lives.rows() == 0 {
            return Vec::new();
        }
        let mut parameters = self.lives.parameters();
        parameters.extend(self.births.parameters());
        parameters.push(&self.hinted_at);
        let mut queries = vec![
            Query::new(sql::INSERT_JOBS, parameters),
            Query::new(sql::INSERT_INPUTS, self.inputs.parameters()),
        ];
        queries.extend(self.logs.queries());
        queries
    }
}
