//! Attempts: one after the other, each in the hands of one worker.

use contracts::EventBody;
use contracts::event::{JobAttemptFailed, RequeueReason};
use contracts::job::{Attempt, AttemptOutcome};

use super::named;
use crate::job::Recorded;
use crate::ports::JobRecord;

pub(super) fn finding(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    let mut said: Vec<Attempt> = Vec::new();
    for event in log {
        let is_open = said.last().is_some_and(|attempt| attempt.finished_at.is_none());
        if let Some(finding) = out_of_turn(event, is_open) {
            return Some(finding);
        }
        fold(&mut said, event);
        if event.attempt as usize != said.len() {
            let (claimed, begun) = (event.attempt, said.len());
            return Some(format!(
                "{} is of attempt {claimed}, and {begun} have begun",
                named(event)
            ));
        }
    }
    // What was spent is in no log.
    let unspent = |attempt: &Attempt| Attempt { usage: None, ..attempt.clone() };
    let rows: Vec<Attempt> = record.attempts.iter().map(unspent).collect();
    if rows.len() != said.len() {
        return Some(format!("{} attempts are kept, the log has {}", rows.len(), said.len()));
    }
    let other = rows.iter().zip(&said).find(|(row, said)| row != said);
    other.map(|(_, said)| format!("attempt {} is not kept as the log has it", said.attempt))
}

/// What needs a holder and has none, or the other way round.
fn out_of_turn(event: &Recorded, is_open: bool) -> Option<String> {
    let begins = matches!(event.body, EventBody::JobStarted(_));
    let is_holders = matches!(
        event.body,
        EventBody::JobSucceeded(_)
            | EventBody::JobRequeued(_)
            | EventBody::JobAttemptFailed(_)
            | EventBody::JobCancelRequested(_)
    );
    if let EventBody::JobRequeued(data) = &event.body {
        let waits = data.next_attempt_at.is_some();
        if waits != (data.reason == RequeueReason::CircuitOpen) {
            return Some(format!("{} does not say truly what the job waits for", named(event)));
        }
    }
    match is_open {
        true if begins => Some(format!("{} begins while a worker holds the job", named(event))),
        false if is_holders => {
            Some(format!("{} happens while no worker holds the job", named(event)))
        }
        true | false => None,
    }
}

fn fold(attempts: &mut Vec<Attempt>, event: &Recorded) {
    let (outcome, error, requeue_reason) = match &event.body {
        EventBody::JobStarted(_) => {
            attempts.push(Attempt {
                attempt: event.attempt,
                started_at: event.time,
                finished_at: None,
                outcome: None,
                error: None,
                requeue_reason: None,
                usage: None,
            });
            return;
        }
        EventBody::JobAttemptFailed(JobAttemptFailed { error, .. }) => {
            (AttemptOutcome::Failed, Some(error.clone()), None)
        }
        EventBody::JobRequeued(data) => (AttemptOutcome::Requeued, None, Some(data.reason)),
        EventBody::JobSucceeded(_) => (AttemptOutcome::Succeeded, None, None),
        EventBody::JobFailed(_)
        | EventBody::JobTimedOut(_)
        | EventBody::JobExpired(_)
        | EventBody::JobCancelled(_) => (AttemptOutcome::Ended, None, None),
        EventBody::JobCreated(_)
        | EventBody::JobCancelRequested(_)
        | EventBody::StepStarted(_)
        | EventBody::StepProgress(_)
        | EventBody::StepCompleted(_)
        | EventBody::StepFailed(_)
        | EventBody::StepSkipped(_)
        | EventBody::ToolCallStarted(_)
        | EventBody::ToolCallCompleted(_)
        | EventBody::ToolCallFailed(_)
        | EventBody::SourceRetrieved(_)
        | EventBody::OutputDelta(_)
        | EventBody::OutputReset(_) => return,
    };
    // It may have failed right before, or never have begun.
    let open = attempts.last_mut().filter(|attempt| attempt.finished_at.is_none());
    if let Some(open) = open {
        open.finished_at = Some(event.time);
        open.outcome = Some(outcome);
        open.error = error;
        open.requeue_reason = requeue_reason;
    }
}
