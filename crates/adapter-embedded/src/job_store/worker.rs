//! What a worker asks: claims and fenced writes.

use contracts::{JobId, Submission, WorkerId};
use engine::job::{Change, Refusal, State, Workflows};
use engine::ports::{Claimed, StepRecord, Write, Written};
use rusqlite::{Connection, Row, named_params};

use super::leases::Leases;
use super::record::{StoredJob, keep_checkpoints};
use crate::database::Tx;
use crate::fault::{Fault, from_stored};
use crate::sql;

pub(crate) fn claim(
    tx: &Tx<'_>,
    leases: &Leases,
    id: JobId,
    worker: WorkerId,
    pipelines: &[u32],
) -> Result<Option<Claimed>, Fault> {
    let Some(stored) = StoredJob::load(tx, id)? else { return Ok(None) };
    let mut done = read_checkpoints(tx.connection, id)?;
    let taken_over = done.first().map(|step| step.pipeline_version);
    let (live, remembered) = leases.workflows(tx.now);
    let workflows = Workflows { own: pipelines, live: &live, remembered: &remembered };
    let Some(start) = stored.row.job.claim(worker, taken_over, workflows) else { return Ok(None) };
    let usage = stored.row.usage;
    let Ok(committed) = stored.change(tx, start)? else { return Ok(None) };
    // Should the commit fail, the worker was heard of all the same.
    leases.hear(worker, pipelines, tx.now);
    let submission = read_submission(tx.connection, id)?;
    done.retain(|step| committed.job.runs(step.pipeline_version));
    let left = committed.job.deadline_at.since(tx.now);
    Ok(Some(Claimed { committed, submission, done, usage, left }))
}

pub(crate) fn write(tx: &Tx<'_>, write: Write) -> Result<Written, Fault> {
    let Write { fence, change, checkpoints, usage } = write;
    if !is_of_holder(&change) {
        return Err(Fault::Unstorable("a change that is not the holder's to make"));
    }
    let Some(mut stored) = StoredJob::load(tx, fence.job_id)? else {
        return Ok(Written::Fenced);
    };
    let job = &stored.row.job;
    // Whoever held this epoch may have let go by the very write that is repeated here.
    if job.epoch != fence.epoch || stored.row.holder != Some(fence.worker) {
        return Ok(Written::Fenced);
    }
    if fence.write_no <= job.write_no {
        return Ok(Written::Again);
    }
    if job.state.worker() != Some(fence.worker) || fence.write_no != job.write_no + 1 {
        return Ok(Written::Fenced);
    }
    let is_being_cancelled = matches!(job.state, State::Cancelling { .. });
    if is_being_cancelled && !matches!(change, Change::ConfirmCancel | Change::Release) {
        return Ok(Written::Cancelling);
    }
    let decided = match stored.decide(change, tx.now) {
        Ok(decided) => decided,
        Err(Refusal::Cancelling) => return Ok(Written::Cancelling),
        Err(Refusal::Ended | Refusal::NotRunning) => return Ok(Written::Fenced),
        Err(refusal @ (Refusal::AlreadyRunning | Refusal::NotDue | Refusal::NoCancelRequested)) => {
            return Err(refusal.into());
        }
    };
    stored.row.job.write_no = fence.write_no;
    stored.row.usage = stored.row.usage.plus(usage);
    let committed = stored.save(tx, decided)?;
    keep_checkpoints(tx, fence.job_id, &checkpoints)?;
    Ok(Written::Applied(committed))
}

const fn is_of_holder(change: &Change) -> bool {
    match change {
        Change::Work { .. }
        | Change::Retry { .. }
        | Change::Postpone { .. }
        | Change::Fail { .. }
        | Change::Succeed { .. }
        | Change::Release
        | Change::ConfirmCancel
        | Change::PassDeadline => true,
        Change::Start { .. }
        | Change::StartOver { .. }
        | Change::LoseLease
        | Change::RequestCancel { .. } => false,
    }
}

pub(crate) fn read_checkpoints(
    connection: &Connection,
    id: JobId,
) -> Result<Vec<StepRecord>, Fault> {
    let mut select = connection.prepare_cached(sql::SELECT_CHECKPOINTS)?;
    let rows = select
        .query_map(named_params! { ":job_id": id.as_uuid().as_bytes() }, CheckpointRow::read)?;
    rows.map(|row| row?.into_domain()).collect()
}

struct CheckpointRow {
    step: String,
    input_sha256: [u8; 32],
    pipeline_version: u32,
    corpus_generation: Option<i64>,
    output: String,
}

impl CheckpointRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            step: row.get("step")?,
            input_sha256: row.get("input_sha256")?,
            pipeline_version: row.get("pipeline_version")?,
            corpus_generation: row.get("corpus_generation")?,
            output: row.get("output")?,
        })
    }

    fn into_domain(self) -> Result<StepRecord, Fault> {
        let generation = self.corpus_generation.map(|n| from_stored(n, "generation"));
        Ok(StepRecord {
            step: self.step,
            input_sha256: self.input_sha256,
            pipeline_version: self.pipeline_version,
            corpus_generation: generation.transpose()?,
            output: self.output,
        })
    }
}

fn read_submission(connection: &Connection, id: JobId) -> Result<Submission, Fault> {
    let json: String = connection
        .prepare_cached(sql::SELECT_SUBMISSION)?
        .query_row(named_params! { ":job_id": id.as_uuid().as_bytes() }, |row| {
            row.get("submission")
        })?;
    Ok(serde_json::from_str(&json)?)
}
