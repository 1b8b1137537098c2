use contracts::event::{RequeueReason, StepKind};
use contracts::job::{Attempt, AttemptOutcome, Links, Step, StepState, Timeline, Usage};
use contracts::{Job, JobPage, JobState};

use super::{Sample, at, job_id, problem, results, trace};

/// One job in each state.
pub(super) fn samples() -> Vec<Sample> {
    let sample = |state: JobState| Sample::of(format!("job_{state}"), &job(state));
    JobState::ALL.into_iter().map(sample).collect()
}

pub(super) fn page() -> JobPage {
    let jobs = vec![Job { queue_position: None, ..job(JobState::Queued) }];
    JobPage { jobs, next_page_token: Some("b3BhcXVl".to_owned()) }
}

fn job(state: JobState) -> Job {
    let worked = !matches!(state, JobState::Queued | JobState::Expired);
    let without_answer = state.is_terminal() && state != JobState::Succeeded;
    Job {
        id: job_id(),
        state,
        version: if worked { 17 } else { 1 },
        company_name: "3M".to_owned(),
        question: "What was the net income in 2018?".to_owned(),
        created_at: at(0),
        started_at: worked.then(|| at(1)),
        finished_at: state.is_terminal().then(|| at(9)),
        deadline_at: at(600),
        queue_deadline_at: Some(at(60)),
        attempt: if worked { 3 } else { 0 },
        failures: u32::from(worked),
        max_attempts: 5,
        attempts: if worked { attempts() } else { Vec::new() },
        next_attempt_at: (state == JobState::Retrying).then(|| at(8)),
        steps: if worked { steps() } else { Vec::new() },
        queue_position: (state == JobState::Queued).then_some(4),
        labels: [("team".to_owned(), "research".to_owned())].into(),
        result: (state == JobState::Succeeded).then(results::complete),
        partial_result: without_answer.then(results::partial),
        error: without_answer.then(problem),
        usage: usage(),
        timeline: Timeline { queued_ms: 1_000, running_ms: 6_000, backoff_ms: 2_000 },
        retry_of: worked.then(job_id),
        model: worked.then(|| "extractive".to_owned()),
        trace_id: trace().trace_id(),
        expires_at: state.is_terminal().then(|| at(2_592_009)),
        links: Links::of(job_id()),
    }
}

fn usage() -> Usage {
    Usage {
        model_calls: 2,
        tool_calls: 1,
        input_tokens: 1_200,
        output_tokens: 90,
        cost_usd: 0.0125,
    }
}

fn attempts() -> Vec<Attempt> {
    let attempt = Attempt {
        attempt: 1,
        started_at: at(1),
        finished_at: Some(at(2)),
        outcome: Some(AttemptOutcome::Failed),
        error: Some(problem()),
        requeue_reason: None,
        usage: Some(usage()),
    };
    let requeued = Attempt {
        attempt: 2,
        outcome: Some(AttemptOutcome::Requeued),
        error: None,
        requeue_reason: Some(RequeueReason::Drain),
        ..attempt.clone()
    };
    let open = Attempt {
        attempt: 3,
        finished_at: None,
        outcome: None,
        error: None,
        usage: None,
        ..attempt.clone()
    };
    vec![attempt, requeued, open]
}

fn steps() -> Vec<Step> {
    let step = |step: &str, kind, state, finished_at| Step {
        step: step.to_owned(),
        kind,
        state,
        attempt: 1,
        started_at: at(1),
        finished_at,
    };
    vec![
        step("plan", StepKind::Model, StepState::Completed, Some(at(2))),
        step("retrieve", StepKind::Retrieval, StepState::Failed, Some(at(3))),
        step("tools", StepKind::Tool, StepState::Skipped, Some(at(3))),
        step("synthesize", StepKind::Model, StepState::Running, None),
    ]
}
