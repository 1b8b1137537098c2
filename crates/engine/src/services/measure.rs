//! What a commit says that is measured: read off its events, so that each thing is counted once in
//! the fleet, by whoever committed it.
//!
//! What repeats a commit that is done already passes here once. A commit whose reply was lost for
//! good passes nowhere ([`crate::ports::Written::Again`]), and is counted as that.

use std::time::Duration;

use contracts::event::RequeueReason;
use contracts::job::AttemptOutcome;
use contracts::{Event, JobState};
use serde::Deserialize as _;
use serde_json::Value;
use telemetry::metrics::{jobs, steps};

use crate::ports::Committed;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measurement<'a> {
    JobCreated,
    AttemptStarted { is_first: bool, waited: Duration },
    AttemptEnded { outcome: AttemptOutcome, code: Option<&'a str> },
    Retried { code: Option<&'a str> },
    GivenBack { reason: Option<RequeueReason> },
    JobEnded { state: JobState, code: Option<&'a str>, after: Duration },
    StepCompleted { step: &'a str, after: Duration },
    ToolCallEnded { failed_with: Option<&'a str> },
}

/// Measures what was committed.
pub(super) fn record(committed: &Committed) {
    for measurement in measurements(committed) {
        match measurement {
            Measurement::JobCreated => jobs::created(),
            Measurement::AttemptStarted { is_first, waited } => jobs::started(is_first, waited),
            Measurement::AttemptEnded { outcome, code } => jobs::attempt_ended(outcome, code),
            Measurement::Retried { code } => jobs::retried(code),
            Measurement::GivenBack { reason } => jobs::given_back(reason),
            Measurement::JobEnded { state, code, after } => jobs::ended(state, code, after),
            Measurement::StepCompleted { step, after } => steps::completed(step, after),
            Measurement::ToolCallEnded { failed_with } => steps::tool_call_ended(failed_with),
        }
    }
}

/// What these events tell of, in their order. Most commits tell of nothing that is measured: they
/// cost a look at the types of their events.
fn measurements(committed: &Committed) -> Vec<Measurement<'_>> {
    let before = committed.before;
    let mut runs = before.is_some_and(|before| before.state.worker().is_some());
    let mut found = Vec::new();
    for event in &committed.events {
        let code = code_of(event);
        match event.kind.as_str() {
            "job.created" => found.push(Measurement::JobCreated),
            "job.started" => {
                let due_since = before.and_then(|before| before.due_since());
                let waited = event.time.since(due_since.unwrap_or(event.time));
                found.push(Measurement::AttemptStarted { is_first: event.attempt == 1, waited });
            }
            "job.attempt_failed" => {
                runs = false;
                found.push(Measurement::AttemptEnded { outcome: AttemptOutcome::Failed, code });
                if event.data["will_retry"] == Value::Bool(true) {
                    found.push(Measurement::Retried { code });
                }
            }
            "job.requeued" => {
                let outcome = AttemptOutcome::Requeued;
                found.push(Measurement::AttemptEnded { outcome, code: None });
                let reason = RequeueReason::deserialize(&event.data["reason"]).ok();
                found.push(Measurement::GivenBack { reason });
            }
            "job.succeeded" => {
                let outcome = AttemptOutcome::Succeeded;
                found.push(Measurement::AttemptEnded { outcome, code: None });
                found.push(ended(committed, JobState::Succeeded, None));
            }
            "step.completed" => found.extend(step_completed(event)),
            "tool_call.completed" => found.push(Measurement::ToolCallEnded { failed_with: None }),
            "tool_call.failed" => {
                found.push(Measurement::ToolCallEnded { failed_with: code.or(Some("")) });
            }
            kind => {
                let Some(state) = without_result(kind) else { continue };
                if runs {
                    let outcome = AttemptOutcome::Ended;
                    found.push(Measurement::AttemptEnded { outcome, code: None });
                }
                found.push(ended(committed, state, code));
            }
        }
    }
    found
}

/// The end that an event of this type is, of those that have an error.
fn without_result(kind: &str) -> Option<JobState> {
    match kind {
        "job.failed" => Some(JobState::Failed),
        "job.timed_out" => Some(JobState::TimedOut),
        "job.expired" => Some(JobState::Expired),
        "job.cancelled" => Some(JobState::Cancelled),
        _ => None,
    }
}

fn ended<'a>(committed: &Committed, state: JobState, code: Option<&'a str>) -> Measurement<'a> {
    let job = &committed.job;
    let after = job.finished_at().unwrap_or(job.last_event_at).since(job.created_at);
    Measurement::JobEnded { state, code, after }
}

/// A step that this job completed: one taken over from another was measured there.
fn step_completed(event: &Event) -> Option<Measurement<'_>> {
    if !event.data["taken_over_from"].is_null() {
        return None;
    }
    let after = Duration::from_millis(event.data["duration_ms"].as_u64()?);
    Some(Measurement::StepCompleted { step: event.data["step"].as_str()?, after })
}

fn code_of(event: &Event) -> Option<&str> {
    event.data["error"]["code"].as_str()
}

#[cfg(test)]
mod tests;
