use std::sync::Arc;

use contracts::{AnalysisResult, Event, Timestamp, WorkerId};
use engine::job::{Change, Refusal, Standing};
use engine::ports::Committed;

use super::fold::StepRow;
use super::log::Log;
use super::row::{JobAndHolder, LifeRow, MarkRow};
use crate::fault::Fault;

/// A job whose row is locked, to be changed.
pub(crate) struct Draft {
    pub(crate) row: JobAndHolder,
    /// The time, read after the row was locked: the order of times is the order of commits.
    pub(crate) now: Timestamp,
    pub(crate) log: Log,
    /// What a claim hands to its worker.
    pub(crate) material: Option<Material>,
    /// A worker that was heard of by this change.
    pub(crate) heard: Option<Heard>,
    /// Whether the row is to be written.
    pub(crate) is_changed: bool,
    /// How the job stood before its newest change.
    before: Standing,
    mark: MarkRow,
}

/// What a worker needs to run a job.
#[derive(Default)]
pub(crate) struct Material {
    pub(crate) submission: String,
    pub(crate) done: Vec<engine::ports::StepRecord>,
    pub(crate) known: Arc<KnownWorkflows>,
}

/// The versions of the workflow that workers know.
#[derive(Debug, Default)]
pub(crate) struct KnownWorkflows {
    /// What each live worker knows.
    pub(crate) live: Vec<Vec<u32>>,
    /// What one knew not long ago.
    pub(crate) remembered: Vec<u32>,
}

/// A worker that was heard of, with the versions of the workflow that it knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Heard {
    pub(crate) worker: WorkerId,
    pub(crate) pipelines: Vec<u32>,
}

/// What a changed job is written with.
pub(crate) struct Written {
    pub(crate) life: LifeRow,
    pub(crate) mark: MarkRow,
    pub(crate) log: Log,
    pub(crate) heard: Option<Heard>,
}

impl Draft {
    pub(crate) fn new(
        row: JobAndHolder,
        steps: Vec<StepRow>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let (mark, log) = (row.mark()?, Log::new(*row.job.id.as_uuid(), steps));
        let before = row.job.standing();
        Ok(Self { row, now, log, material: None, heard: None, is_changed: false, before, mark })
    }

    /// Lets the machine decide, and records what follows.
    ///
    /// # Errors
    /// [`Fault`] if something cannot be stored: the draft is of no use then.
    pub(crate) fn change(&mut self, change: Change) -> Result<Result<Vec<Event>, Refusal>, Fault> {
        let result = result_of(&change);
        self.before = self.row.job.standing();
        let recorded = match self.row.job.change(change, self.now) {
            Ok(recorded) => recorded,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.row.holder = self.row.job.state.worker().or(self.row.holder);
        self.is_changed |= !recorded.is_empty();
        let job = &self.row.job;
        let events = recorded.iter().map(|event| self.log.record(job, event, result.as_ref()));
        let events = events.collect::<Result<_, _>>()?;
        self.log.fold.begin_from(self.row.usage)?;
        Ok(Ok(events))
    }

    /// The job as it will be, with the events of its newest change.
    pub(crate) fn committed(&self, events: Vec<Event>) -> Committed {
        Committed { before: Some(self.before), job: self.row.job.clone(), events }
    }

    /// What is to be written; `None` if nothing changed.
    pub(crate) fn into_written(self) -> Result<Option<Written>, Fault> {
        if !self.is_changed {
            return Ok(None);
        }
        let life = LifeRow::of(&self.row)?;
        Ok(Some(Written { life, mark: self.mark, log: self.log, heard: self.heard }))
    }
}

/// The log may leave the answer out, for its size; the store keeps it.
fn result_of(change: &Change) -> Option<AnalysisResult> {
    match change {
        Change::Succeed { result, .. } => Some(result.as_ref().clone()),
        Change::Start { .. }
        | Change::StartOver { .. }
        | Change::Work { .. }
        | Change::Retry { .. }
        | Change::Postpone { .. }
        | Change::Fail { .. }
        | Change::Release
        | Change::LoseLease
        | Change::RequestCancel { .. }
        | Change::ConfirmCancel
        | Change::PassDeadline => None,
    }
}
