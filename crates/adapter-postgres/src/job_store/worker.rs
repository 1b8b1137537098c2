//! What a worker asks: claims and fenced writes.

use std::sync::Arc;

use contracts::{EventBody, WorkerId};
use engine::job::{Change, Refusal, State, Workflows};
use engine::ports::{Claimed, Committed, Write, Written};

use super::asked::{Decide, Needs};
use super::draft::{Draft, Heard, Material};
use super::unknown_claims::UnknownClaims;
use crate::fault::Fault;

/// A claim of a job for a worker.
pub(crate) struct Claim {
    worker: WorkerId,
    pipelines: Vec<u32>,
    unknown: Arc<UnknownClaims>,
    /// What was decided before, for the case that it was committed and the reply was lost.
    decided: Option<Claimed>,
}

impl Claim {
    pub(crate) const fn new(
        worker: WorkerId,
        pipelines: Vec<u32>,
        unknown: Arc<UnknownClaims>,
    ) -> Self {
        Self { worker, pipelines, unknown, decided: None }
    }

    /// What was decided before, if the row shows that it was committed: nobody else claims for
    /// this worker, under this epoch.
    fn committed_before(&mut self, draft: &Draft) -> Option<Claimed> {
        let job = &draft.row.job;
        let is_it = |claimed: &Claimed| {
            claimed.committed.job.epoch == job.epoch && job.state.worker() == Some(self.worker)
        };
        self.decided.take_if(|claimed| is_it(claimed))
    }
}

impl Decide for Claim {
    type Answer = Option<Claimed>;

    fn needs(&self) -> Needs {
        Needs::Material
    }

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault> {
        let Some(draft) = job else { return Ok(None) };
        if let Some(claimed) = self.committed_before(draft) {
            return Ok(Some(claimed));
        }
        let Material { submission, mut done, known } =
            draft.material.take().ok_or(Fault::Corrupt("submission"))?;
        let taken_over = done.first().map(|step| step.pipeline_version);
        let (own, live, remembered) = (&self.pipelines, &known.live, &known.remembered);
        let workflows = Workflows { own, live, remembered };
        let start = draft.row.job.claim(self.worker, taken_over, workflows);
        let Some(start) = start else { return Ok(None) };
        let Ok(events) = draft.change(start)? else { return Ok(None) };
        draft.heard = Some(Heard { worker: self.worker, pipelines: self.pipelines.clone() });
        // That it can be claimed shows that no earlier claim of this worker was committed.
        self.unknown.forget(self.worker, draft.row.job.id);
        done.retain(|step| draft.row.job.runs(step.pipeline_version));
        let claimed = Claimed {
            submission: serde_json::from_str(&submission)?,
            done,
            usage: draft.row.usage,
            left: draft.row.job.deadline_at.since(draft.now),
            committed: draft.committed(events),
        };
        self.decided = Some(claimed.clone());
        Ok(Some(claimed))
    }
}

/// The end of a claim whose reply was lost for good: its worker does not know that it holds the
/// job, so the job is given back. It goes the way that claims go, so that none comes in between.
pub(crate) struct GiveBack {
    pub(crate) worker: WorkerId,
    pub(crate) unknown: Arc<UnknownClaims>,
}

impl Decide for GiveBack {
    type Answer = Option<Committed>;

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault> {
        let Some(draft) = job else { return Ok(None) };
        let job = &draft.row.job;
        let is_unknown = self.unknown.contains(self.worker, job.id);
        if !is_unknown || job.state.worker() != Some(self.worker) {
            return Ok(None);
        }
        let Ok(events) = draft.change(Change::Release)? else { return Ok(None) };
        Ok(draft.committed(events).unless_empty())
    }
}

/// A write of the worker that holds a job.
pub(crate) struct FencedWrite {
    write: Write,
    /// What was decided before, for the case that it was committed and the reply was lost.
    decided: Option<Committed>,
}

impl FencedWrite {
    pub(crate) const fn new(write: Write) -> Self {
        Self { write, decided: None }
    }
}

impl Decide for FencedWrite {
    type Answer = Written;

    fn needs(&self) -> Needs {
        let begins_or_ends_a_step = |event: &EventBody| event.kind().starts_with("step.");
        let has_steps = !self.write.checkpoints.is_empty()
            || events_of(&self.write.change).iter().any(begins_or_ends_a_step);
        if has_steps { Needs::Steps } else { Needs::Row }
    }

    fn bytes(&self) -> usize {
        const ROW: usize = 512;
        const EVENT: usize = 1_024;
        let outputs: usize = self.write.checkpoints.iter().map(|step| step.output.len()).sum();
        ROW + events_of(&self.write.change).len() * EVENT + outputs
    }

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Written, Fault> {
        let Write { fence, change, checkpoints, usage } = &self.write;
        if !is_of_holder(change) {
            return Err(Fault::Unstorable("a change that is not the holder's to make"));
        }
        let Some(draft) = job else { return Ok(Written::Fenced) };
        let job = &draft.row.job;
        // Whoever held this epoch may have let go by the very write that is repeated here.
        if job.epoch != fence.epoch || draft.row.holder != Some(fence.worker) {
            return Ok(Written::Fenced);
        }
        if fence.write_no <= job.write_no {
            return Ok(self.decided.take().map_or(Written::Again, Written::Applied));
        }
        if job.state.worker() != Some(fence.worker) || fence.write_no != job.write_no + 1 {
            return Ok(Written::Fenced);
        }
        let is_being_cancelled = matches!(job.state, State::Cancelling { .. });
        if is_being_cancelled && !matches!(change, Change::ConfirmCancel | Change::Release) {
            return Ok(Written::Cancelling);
        }
        let events = match draft.change(change.clone())? {
            Ok(events) => events,
            Err(Refusal::Cancelling) => return Ok(Written::Cancelling),
            Err(Refusal::Ended | Refusal::NotRunning) => return Ok(Written::Fenced),
            Err(
                refusal @ (Refusal::AlreadyRunning | Refusal::NotDue | Refusal::NoCancelRequested),
            ) => return Err(refusal.into()),
        };
        draft.row.job.write_no = fence.write_no;
        draft.row.usage = draft.row.usage.plus(*usage);
        draft.log.fold.keep(checkpoints)?;
        draft.is_changed = true;
        let committed = draft.committed(events);
        self.decided = Some(committed.clone());
        Ok(Written::Applied(committed))
    }
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

fn events_of(change: &Change) -> &[EventBody] {
    match change {
        Change::Work { events }
        | Change::Retry { events, .. }
        | Change::Postpone { events, .. }
        | Change::Fail { events, .. }
        | Change::Succeed { events, .. } => events,
        Change::Start { .. }
        | Change::StartOver { .. }
        | Change::Release
        | Change::LoseLease
        | Change::RequestCancel { .. }
        | Change::ConfirmCancel
        | Change::PassDeadline => &[],
    }
}
