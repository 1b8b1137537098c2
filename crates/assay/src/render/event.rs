use contracts::event::{JobRequeued, RequeueReason};
use contracts::{Event, EventBody, Problem, Timestamp};

use super::{duration, one_line, time};

/// An event of a log on one line: version, time, type, and what matters of the rest.
pub(crate) fn event(event: &Event) -> String {
    let what = event.body().map(|body| said(&body)).unwrap_or_default();
    let head = format!("{:>4}  {}  {:<20}", event.version(), time(event.time), event.kind);
    one_line_after(head, &what)
}

fn one_line_after(head: String, what: &str) -> String {
    format!("{head}  {}", one_line(what)).trim_end().to_owned()
}

fn said(body: &EventBody) -> String {
    match body {
        EventBody::JobCreated(data) => format!("{}: {}", data.company_name, data.question),
        EventBody::JobStarted(data) => format!("worker {}", data.worker),
        EventBody::JobAttemptFailed(data) => {
            format!("{}{}", problem(&data.error), next_attempt(data.next_attempt_at))
        }
        EventBody::JobRequeued(data) => requeued(data),
        EventBody::JobCancelRequested(data) => data.reason.clone().unwrap_or_default(),
        EventBody::JobSucceeded(data) => match &data.result {
            Some(result) => result.summary.clone(),
            None => "the answer is with the job".to_owned(),
        },
        EventBody::JobFailed(data)
        | EventBody::JobTimedOut(data)
        | EventBody::JobExpired(data)
        | EventBody::JobCancelled(data) => problem(&data.error),
        EventBody::StepStarted(data) => data.step.clone(),
        EventBody::StepProgress(data) => format!("{}: {}", data.step, data.message),
        EventBody::StepCompleted(data) => match data.taken_over_from {
            Some(job) => format!("{}, taken over from {job}", data.step),
            None => format!("{} in {}", data.step, duration(data.duration_ms)),
        },
        EventBody::StepFailed(data) => format!("{}: {}", data.step, problem(&data.error)),
        EventBody::StepSkipped(data) => format!("{}: {}", data.step, data.reason),
        EventBody::ToolCallStarted(data) | EventBody::ToolCallCompleted(data) => data.tool.clone(),
        EventBody::ToolCallFailed(data) => format!("{}: {}", data.tool, problem(&data.error)),
        EventBody::SourceRetrieved(data) => data.source.place(),
        EventBody::OutputDelta(data) => data.text.clone(),
        EventBody::OutputReset(data) => data.reason.clone(),
    }
}

fn requeued(data: &JobRequeued) -> String {
    let why = match data.reason {
        RequeueReason::Drain => "its worker is being shut down".to_owned(),
        RequeueReason::LeaseLost => "its worker is gone".to_owned(),
        RequeueReason::CircuitOpen => match &data.error {
            Some(error) => format!("no attempt lost: {}", problem(error)),
            None => "no attempt lost: what it needs is out".to_owned(),
        },
    };
    format!("{why}{}", next_attempt(data.next_attempt_at))
}

fn problem(error: &Problem) -> String {
    format!("{} ({})", error.detail, error.code)
}

fn next_attempt(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(", next attempt {}", time(at)))
}
