use contracts::event::RequeueReason;
use contracts::{Event, EventBody};

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
            let next = match data.next_attempt_at {
                Some(at) => format!(", next attempt {}", time(at)),
                None => String::new(),
            };
            format!("{} ({}){next}", data.error.detail, data.error.code)
        }
        EventBody::JobRequeued(data) => match data.reason {
            RequeueReason::Drain => "its worker is being shut down".to_owned(),
            RequeueReason::LeaseLost => "its worker is gone".to_owned(),
            RequeueReason::CircuitOpen => "it waits for what is out".to_owned(),
        },
        EventBody::JobCancelRequested(data) => data.reason.clone().unwrap_or_default(),
        EventBody::JobSucceeded(data) => match &data.result {
            Some(result) => result.summary.clone(),
            None => "the answer is with the job".to_owned(),
        },
        EventBody::JobFailed(data)
        | EventBody::JobTimedOut(data)
        | EventBody::JobExpired(data)
        | EventBody::JobCancelled(data) => format!("{} ({})", data.error.detail, data.error.code),
        EventBody::StepStarted(data) => data.step.clone(),
        EventBody::StepProgress(data) => format!("{}: {}", data.step, data.message),
        EventBody::StepCompleted(data) => match data.taken_over_from {
            Some(job) => format!("{}, taken over from {job}", data.step),
            None => format!("{} in {}", data.step, duration(data.duration_ms)),
        },
        EventBody::StepFailed(data) => {
            format!("{}: {} ({})", data.step, data.error.detail, data.error.code)
        }
        EventBody::StepSkipped(data) => format!("{}: {}", data.step, data.reason),
        EventBody::ToolCallStarted(data) | EventBody::ToolCallCompleted(data) => data.tool.clone(),
        EventBody::ToolCallFailed(data) => {
            format!("{}: {} ({})", data.tool, data.error.detail, data.error.code)
        }
        EventBody::SourceRetrieved(data) => data.source.place(),
        EventBody::OutputDelta(data) => data.text.clone(),
        EventBody::OutputReset(data) => data.reason.clone(),
    }
}
