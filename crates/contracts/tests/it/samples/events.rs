use contracts::event::{
    Event, EventBody, JobAttemptFailed, JobCancelRequested, JobCreated, JobEndedWithError,
    JobRequeued, JobStarted, JobSucceeded, OutputDelta, OutputReset, RequeueReason,
    SourceRetrieved, StepCompleted, StepFailed, StepKind, StepMark, StepProgress, StepSkipped,
    ToolCall, ToolCallFailed,
};

use super::{Sample, at, job_id, problem, results, trace, worker_id};

/// One event of each type, in its envelope.
pub(super) fn samples() -> Vec<Sample> {
    let sample = |(body, version): (EventBody, u64)| {
        let name = format!("event_{}", body.kind().replace('.', "_"));
        Sample::of(name, &enveloped(&body, version))
    };
    bodies().into_iter().zip(1..).map(sample).collect()
}

/// The event with this body, as the log shows it.
pub(crate) fn enveloped(body: &EventBody, version: u64) -> Event {
    Event {
        specversion: "1.0".to_owned(),
        id: format!("{}/{version}", job_id()),
        source: "/v1/analysis".to_owned(),
        subject: job_id(),
        kind: body.kind().to_owned(),
        time: at(1),
        sequence: format!("{version:010}"),
        traceparent: trace(),
        attempt: 1,
        data: body.data(),
    }
}

/// One body of each type.
pub(crate) fn bodies() -> Vec<EventBody> {
    let mut bodies = of_jobs();
    bodies.extend(of_steps());
    bodies.extend(of_work());
    bodies
}

fn of_jobs() -> Vec<EventBody> {
    let ended = || JobEndedWithError { error: problem() };
    vec![
        EventBody::JobCreated(JobCreated {
            company_name: "3M".to_owned(),
            question: "What was the net income in 2018?".to_owned(),
            max_attempts: 5,
            priority: 5,
            deadline_at: at(600),
            queue_deadline_at: Some(at(60)),
            retry_of: Some(job_id()),
        }),
        EventBody::JobStarted(JobStarted { worker: worker_id(), pipeline_version: 1 }),
        EventBody::JobAttemptFailed(JobAttemptFailed {
            error: problem(),
            will_retry: true,
            next_attempt_at: Some(at(8)),
        }),
        EventBody::JobRequeued(JobRequeued {
            reason: RequeueReason::CircuitOpen,
            next_attempt_at: Some(at(30)),
            error: Some(problem()),
        }),
        EventBody::JobCancelRequested(JobCancelRequested {
            reason: Some("asked twice".to_owned()),
        }),
        EventBody::JobSucceeded(JobSucceeded {
            result: Some(results::complete()),
            result_omitted: false,
        }),
        EventBody::JobFailed(ended()),
        EventBody::JobTimedOut(ended()),
        EventBody::JobExpired(ended()),
        EventBody::JobCancelled(ended()),
    ]
}

fn of_steps() -> Vec<EventBody> {
    let kind = StepKind::Model;
    vec![
        EventBody::StepStarted(StepMark { step: "synthesize".to_owned(), kind }),
        EventBody::StepProgress(StepProgress {
            step: "synthesize".to_owned(),
            kind,
            message: "3 of 8 passages read".to_owned(),
        }),
        EventBody::StepCompleted(StepCompleted {
            step: "synthesize".to_owned(),
            kind,
            duration_ms: 412,
            taken_over_from: Some(job_id()),
        }),
        EventBody::StepFailed(StepFailed { step: "synthesize".to_owned(), kind, error: problem() }),
        EventBody::StepSkipped(StepSkipped {
            step: "tools".to_owned(),
            kind: StepKind::Tool,
            reason: "no tool was asked for".to_owned(),
        }),
    ]
}

fn of_work() -> Vec<EventBody> {
    let call = || ToolCall { call_id: "c1".to_owned(), tool: "calculator".to_owned() };
    vec![
        EventBody::ToolCallStarted(call()),
        EventBody::ToolCallCompleted(call()),
        EventBody::ToolCallFailed(ToolCallFailed {
            call_id: "c1".to_owned(),
            tool: "calculator".to_owned(),
            error: problem(),
        }),
        EventBody::SourceRetrieved(SourceRetrieved {
            source: results::source(),
            taken_over_from: Some(job_id()),
        }),
        EventBody::OutputDelta(OutputDelta { offset: 120, text: " was €5".to_owned() }),
        EventBody::OutputReset(OutputReset { reason: "a new attempt of the step".to_owned() }),
    ]
}
