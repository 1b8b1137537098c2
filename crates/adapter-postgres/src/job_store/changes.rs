//! Batches of changes: lock the rows, let each be decided, write what follows.

use std::collections::HashMap;
use std::sync::Arc;

use contracts::JobId;
use engine::job::RETIRED_AFTER;
use engine::ports::StepRecord;
use tokio_postgres::Row;
use uuid::Uuid;

use super::asked::{AnyAsked, Needs};
use super::draft::{Draft, Heard, KnownWorkflows, Material, Written};
use super::fold::StepRow;
use super::log::LogWrites;
use super::row::{JobAndHolder, LifeColumns, MarkColumns};
use crate::database::{Database, Query, Rows, Transaction, Unfinished};
use crate::fault::{Fault, from_stored};
use crate::group_commit::Commit;
use crate::sql;
use crate::value::{Columns as _, ReadRow as _, Time};

#[expect(clippy::cast_possible_truncation, reason = "a constant of half a minute")]
const RETIRED_AFTER_MS: i64 = RETIRED_AFTER.as_millis() as i64;

/// Commits changes of jobs.
#[derive(Clone)]
pub(crate) struct Changes {
    database: Database,
    lock: &'static str,
}

impl Changes {
    /// Waits for rows that somebody else is changing.
    pub(crate) const fn waiting(database: Database) -> Self {
        Self { database, lock: sql::LOCK_JOBS }
    }

    /// Passes over rows that somebody else is changing.
    pub(crate) const fn of_free_rows(database: Database) -> Self {
        Self { database, lock: sql::LOCK_FREE_JOBS }
    }

    /// Locks the rows, and reads what is needed of them.
    async fn lock(
        &self,
        requests: &[Box<dyn AnyAsked>],
    ) -> Result<(Transaction, HashMap<JobId, Result<Draft, Fault>>), Fault> {
        let ids_with = |needs: Needs| -> Vec<Uuid> {
            let those = requests.iter().filter(|request| request.needs() == needs);
            those.map(|request| *request.id().as_uuid()).collect()
        };
        let all: Vec<Uuid> = requests.iter().map(|request| *request.id().as_uuid()).collect();
        let (with_steps, with_material) = (ids_with(Needs::Steps), ids_with(Needs::Material));
        let mut queries = vec![Query::new(self.lock, [&all as _]), Query::plain(sql::SELECT_NOW)];
        if !with_steps.is_empty() {
            queries.push(Query::new(sql::SELECT_STEPS, [&with_steps as _]));
        }
        if !with_material.is_empty() {
            queries.push(Query::new(sql::SELECT_SUBMISSIONS, [&with_material as _]));
            queries.push(Query::new(sql::SELECT_CHECKPOINTS, [&with_material as _]));
            queries.push(Query::new(sql::SELECT_PIPELINES, [&RETIRED_AFTER_MS as _]));
        }
        let (transaction, rows) = self.database.begin(queries).await?;
        let mut rows = rows.into_iter();
        let mut next = || rows.next().unwrap_or_default();
        let (locked, now) = (next(), next());
        let Time(now) = now.first().ok_or(Fault::Corrupt("time"))?.try_get("now")?;
        let mut steps = if with_steps.is_empty() { HashMap::new() } else { steps_by_job(&next())? };
        let mut materials = if with_material.is_empty() {
            HashMap::new()
        } else {
            materials_by_job(&next(), &next(), &next())?
        };
        let mut drafts = HashMap::with_capacity(locked.len());
        for row in locked {
            let id: Uuid = row.try_get("id")?;
            let draft = JobAndHolder::read(&row).and_then(|row| {
                let mut draft = Draft::new(row, steps.remove(&id).unwrap_or_default(), now)?;
                draft.material = materials.remove(&id);
                Ok(draft)
            });
            drafts.insert(JobId::from_uuid(id), draft);
        }
        Ok((transaction, drafts))
    }
}

impl Commit for Changes {
    type Request = Box<dyn AnyAsked>;

    async fn commit(&self, requests: &mut [Box<dyn AnyAsked>]) -> Result<(), Unfinished> {
        let locked = self.lock(requests).await;
        let (transaction, mut drafts) = locked.map_err(Unfinished::RolledBack)?;
        let mut writes = Writes::default();
        for request in requests {
            match drafts.remove(&request.id()).transpose() {
                Ok(draft) => {
                    let written = request.decide(draft);
                    written.into_iter().for_each(|written| writes.push(written));
                }
                Err(fault) => request.refuse(fault),
            }
        }
        writes.close();
        let expected = writes.jobs.rows();
        let rows = transaction.commit(writes.queries()).await?;
        let found = if expected == 0 { 0 } else { rows.first().map_or(0, Vec::len) };
        if found != expected {
            // The rows were locked: nothing can have changed them.
            tracing::error!(expected, found, "jobs changed under their lock");
            let statement = "update_jobs";
            return Err(Unfinished::RolledBack(Fault::WrongRows { statement, expected, found }));
        }
        Ok(())
    }
}

/// What a batch writes, a statement a table.
#[derive(Default)]
struct Writes {
    jobs: LifeColumns,
    marks: MarkColumns,
    logs: LogWrites,
    heard: Vec<Heard>,
    /// The columns of those that were heard of, without repetition.
    heard_columns: (Vec<Uuid>, Vec<String>),
}

impl Writes {
    fn push(&mut self, written: Written) {
        let Written { life, mark, log, heard } = written;
        self.jobs.push(life);
        self.marks.push(mark);
        self.logs.push(log);
        self.heard.extend(heard);
    }

    fn close(&mut self) {
        self.heard.sort();
        self.heard.dedup_by_key(|heard| heard.worker);
        let array = |versions: &[u32]| {
            let versions: Vec<String> = versions.iter().map(u32::to_string).collect();
            format!("{{{}}}", versions.join(","))
        };
        let columns =
            self.heard.iter().map(|heard| (*heard.worker.as_uuid(), array(&heard.pipelines)));
        self.heard_columns = columns.unzip();
    }

    fn queries(&self) -> Vec<Query<'_>> {
        if self.jobs.rows() == 0 {
            return Vec::new();
        }
        let mut parameters = self.jobs.parameters();
        parameters.extend(self.marks.parameters());
        let mut queries = vec![Query::new(sql::UPDATE_JOBS, parameters)];
        queries.extend(self.logs.queries());
        let (workers, pipelines) = &self.heard_columns;
        if !workers.is_empty() {
            queries.push(Query::new(sql::HEAR_WORKERS, [workers as _, pipelines as _]));
        }
        queries
    }
}

fn steps_by_job(rows: &Rows) -> Result<HashMap<Uuid, Vec<StepRow>>, Fault> {
    let mut steps: HashMap<Uuid, Vec<StepRow>> = HashMap::new();
    for row in rows {
        let step = StepRow::read(row)?;
        steps.entry(step.job_id).or_default().push(step);
    }
    Ok(steps)
}

fn materials_by_job(
    submissions: &Rows,
    checkpoints: &Rows,
    pipelines: &Rows,
) -> Result<HashMap<Uuid, Material>, Fault> {
    let known = Arc::new(workflows(pipelines)?);
    let mut materials: HashMap<Uuid, Material> = HashMap::new();
    for row in submissions {
        let material = materials.entry(row.try_get("job_id")?).or_default();
        material.submission = row.try_get("submission")?;
        material.known = Arc::clone(&known);
    }
    for row in checkpoints {
        let material = materials.entry(row.try_get("job_id")?).or_default();
        material.done.push(checkpoint(row)?);
    }
    Ok(materials)
}

fn workflows(rows: &Rows) -> Result<KnownWorkflows, Fault> {
    let mut known = KnownWorkflows::default();
    for row in rows {
        let versions: Vec<i32> = row.try_get("pipelines")?;
        let versions = versions.into_iter().map(|n| from_stored(n, "pipeline version"));
        let versions = versions.collect::<Result<Vec<u32>, _>>()?;
        if row.try_get("is_live")? {
            known.live.push(versions);
        } else {
            known.remembered.extend(versions);
        }
    }
    Ok(known)
}

/// The finished step that a row holds.
pub(crate) fn checkpoint(row: &Row) -> Result<StepRecord, Fault> {
    let input_sha256: Vec<u8> = row.try_get("input_sha256")?;
    let pipeline_version: i32 = row.try_get("pipeline_version")?;
    let generation: Option<i64> = row.try_get("corpus_generation")?;
    let generation = generation.map(|n| from_stored(n, "generation"));
    Ok(StepRecord {
        step: row.try_get("step")?,
        input_sha256: input_sha256.try_into().map_err(|_| Fault::Corrupt("hash"))?,
        pipeline_version: from_stored(pipeline_version, "pipeline version")?,
        corpus_generation: generation.transpose()?,
        output: row.try_get("output")?,
    })
}
