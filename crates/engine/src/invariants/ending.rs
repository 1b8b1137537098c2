//! The end of a job, and what came of it.

use contracts::event::{JobEndedWithError, JobSucceeded};
use contracts::{EventBody, Problem};

use super::named;
use crate::job::Recorded;
use crate::ports::JobRecord;

pub(super) fn finding(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    let JobRecord { job, result, error, .. } = record;
    let kept = match (result, error) {
        (Some(_), Some(_)) => "a result and an error",
        (Some(_), None) => "a result",
        (None, Some(_)) => "an error",
        (None, None) => "neither a result nor an error",
    };
    let is_wrong = match job.is_ended() {
        true => result.is_some() == error.is_some(),
        false => result.is_some() || error.is_some(),
    };
    if is_wrong {
        return Some(format!("the job is {} and has {kept}", job.state.name()));
    }
    let end = log.last()?;
    match &end.body {
        EventBody::JobSucceeded(data) => succeeded(record, data),
        EventBody::JobTimedOut(_) if end.time < job.deadline_at => {
            Some(format!("{} comes before the deadline {}", named(end), job.deadline_at))
        }
        EventBody::JobExpired(_) if job.started_at.is_some() => {
            Some(format!("{} ends a job that had begun", named(end)))
        }
        EventBody::JobFailed(JobEndedWithError { error })
        | EventBody::JobTimedOut(JobEndedWithError { error })
        | EventBody::JobExpired(JobEndedWithError { error })
        | EventBody::JobCancelled(JobEndedWithError { error }) => failed(record, error),
        EventBody::JobCreated(_)
        | EventBody::JobStarted(_)
        | EventBody::JobAttemptFailed(_)
        | EventBody::JobRequeued(_)
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
        | EventBody::OutputReset(_) => None,
    }
}

fn succeeded(record: &JobRecord, said: &JobSucceeded) -> Option<String> {
    let Some(result) = &record.result else {
        return Some("the log ends with job.succeeded and no result is kept".to_owned());
    };
    if said.result.is_none() != said.result_omitted {
        return Some("job.succeeded does not say truly whether it has the result".to_owned());
    }
    let is_other = said.result.as_ref().is_some_and(|said| said != result);
    is_other.then(|| "the result is not the one of job.succeeded".to_owned())
}

fn failed(record: &JobRecord, said: &Problem) -> Option<String> {
    let is_other = record.error.as_ref() != Some(said);
    is_other.then(|| "the error is not the one that the log ends with".to_owned())
}
