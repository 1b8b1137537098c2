//! Steps: what is finished is not run again.

use std::collections::BTreeSet;

use contracts::EventBody;
use contracts::event::StepKind;
use contracts::job::{Step, StepState};

use super::named;
use crate::job::Recorded;
use crate::ports::JobRecord;

pub(super) fn finding(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    let mut said = Fold::default();
    for event in log {
        if let Some(finding) = said.add(event) {
            return Some(finding);
        }
    }
    let rows = &record.steps;
    if rows.len() != said.steps.len() {
        return Some(format!("{} steps are kept, the log has {}", rows.len(), said.steps.len()));
    }
    let other = rows.iter().zip(&said.steps).find(|(row, said)| row != said);
    if let Some((_, said)) = other {
        return Some(format!("step {} is not kept as the log has it", said.step));
    }
    let kept: BTreeSet<&str> = record.checkpoints.iter().map(String::as_str).collect();
    said.steps.iter().find_map(|Step { step, state, .. }| {
        let has_checkpoint = kept.contains(step.as_str());
        match state {
            // Without its checkpoint it would run again.
            StepState::Completed | StepState::Skipped if !has_checkpoint => said
                .finished
                .contains(step)
                .then(|| format!("step {step} is finished and has no checkpoint")),
            StepState::Running | StepState::Failed if has_checkpoint => {
                Some(format!("step {step} is not finished and has a checkpoint"))
            }
            StepState::Completed | StepState::Skipped | StepState::Running | StepState::Failed => {
                None
            }
        }
    })
}

/// The steps of a log so far.
#[derive(Default)]
struct Fold {
    steps: Vec<Step>,
    /// Those that must not run again.
    finished: BTreeSet<String>,
    /// The workflow that the job runs.
    pipeline_version: Option<u32>,
    /// Whether the event before began an attempt with another workflow, or with the first one of a
    /// job that took steps over: theirs may have been another.
    is_changed: bool,
}

impl Fold {
    /// Adds an event; says what is wrong with it.
    fn add(&mut self, event: &Recorded) -> Option<String> {
        let was_changed = std::mem::take(&mut self.is_changed);
        let (name, kind, state) = match &event.body {
            EventBody::StepStarted(data) => (&data.step, data.kind, StepState::Running),
            EventBody::StepCompleted(data) => (&data.step, data.kind, StepState::Completed),
            EventBody::StepFailed(data) => (&data.step, data.kind, StepState::Failed),
            EventBody::StepSkipped(data) => (&data.step, data.kind, StepState::Skipped),
            EventBody::JobStarted(data) => {
                self.begin_attempt(data.pipeline_version);
                return None;
            }
            EventBody::OutputReset(_) => {
                self.start_over(was_changed);
                return None;
            }
            EventBody::JobCreated(_)
            | EventBody::JobAttemptFailed(_)
            | EventBody::JobRequeued(_)
            | EventBody::JobCancelRequested(_)
            | EventBody::JobSucceeded(_)
            | EventBody::JobFailed(_)
            | EventBody::JobTimedOut(_)
            | EventBody::JobExpired(_)
            | EventBody::JobCancelled(_)
            | EventBody::StepProgress(_)
            | EventBody::ToolCallStarted(_)
            | EventBody::ToolCallCompleted(_)
            | EventBody::ToolCallFailed(_)
            | EventBody::SourceRetrieved(_)
            | EventBody::OutputDelta(_) => return None,
        };
        if self.finished.contains(name) {
            return Some(format!("{} of step {name}, which was finished", named(event)));
        }
        if matches!(state, StepState::Completed | StepState::Skipped) {
            self.finished.insert(name.clone());
        }
        self.put(event, name, (kind, state));
        None
    }

    fn begin_attempt(&mut self, pipeline_version: u32) {
        let former = self.pipeline_version.replace(pipeline_version);
        self.is_changed = former != Some(pipeline_version);
    }

    /// The one way in which a finished step runs again: the workflow that it was of is retired,
    /// and the log says so by starting the answer over as the next attempt begins.
    fn start_over(&mut self, is_retired: bool) {
        if is_retired {
            self.finished.clear();
        }
    }

    fn put(&mut self, event: &Recorded, name: &str, (kind, state): (StepKind, StepState)) {
        let (attempt, time) = (event.attempt, event.time);
        let known = self.steps.iter().position(|step| step.step == name);
        let index = known.unwrap_or(self.steps.len());
        if known.is_none() {
            let (step, started_at, finished_at) = (name.to_owned(), time, None);
            self.steps.push(Step { step, kind, state, attempt, started_at, finished_at });
        }
        let step = &mut self.steps[index];
        (step.kind, step.state, step.attempt) = (kind, state, attempt);
        match state {
            StepState::Running => (step.started_at, step.finished_at) = (time, None),
            StepState::Completed | StepState::Failed | StepState::Skipped => {
                step.finished_at = Some(time);
            }
        }
    }
}
