use contracts::event::{JobCreated, LogEntry, StepCompleted, StepFailed, StepKind, ToolCallFailed};
use contracts::{
    Code, EventBody, JobId, Origin, Problem, TenantId, Timestamp, TraceContext, WorkerId,
};
use proptest::prelude::*;

use super::*;
use crate::analysis::StepName;
use crate::job::{Change, Identity, Job, Recorded};

const fn second(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn committed(before: Option<&Job>, job: &Job, recorded: Vec<Recorded>) -> Committed {
    let events = recorded.into_iter().map(|Recorded { version, time, attempt, body }| {
        let (kind, data) = (body.kind().to_owned(), body.data());
        Event::from_entry(job.id, job.trace, LogEntry { version, time, attempt, kind, data })
    });
    Committed { before: before.map(Job::standing), job: job.clone(), events: events.collect() }
}

/// A job that was created at second 0, with two attempts and 600 seconds.
fn created() -> (Job, Committed) {
    let identity = Identity {
        id: JobId::new(),
        tenant: TenantId::default_tenant(),
        trace: TraceContext::begin(1.0),
    };
    let data = JobCreated {
        company_name: "A".to_owned(),
        question: "B".to_owned(),
        max_attempts: 2,
        priority: 5,
        deadline_at: second(600),
        queue_deadline_at: None,
        retry_of: None,
    };
    let (job, recorded) = Job::create(identity, data, second(0));
    let committed = committed(None, &job, vec![recorded]);
    (job, committed)
}

fn changed(job: &mut Job, at: i64, change: Change) -> Committed {
    let before = job.clone();
    let recorded = job.change(change, second(at)).unwrap();
    committed(Some(&before), job, recorded)
}

fn started(job: &mut Job, at: i64) -> Committed {
    changed(job, at, Change::Start { worker: WorkerId::new(), pipeline_version: 1 })
}

fn problem(code: Code) -> Problem {
    Problem::new(code, Origin::Model, "it failed")
}

fn retry(after_s: u64) -> Change {
    let (error, delay) = (problem(Code::ModelTimeout), seconds(after_s));
    Change::Retry { events: Vec::new(), error, delay }
}

const fn attempt(outcome: AttemptOutcome) -> Measurement<'static> {
    Measurement::AttemptEnded { outcome, code: None }
}

#[test]
fn a_job_that_fails_for_good_is_told_of_from_its_creation_to_its_end() {
    let (mut job, created) = created();
    assert_eq!(measurements(&created), [Measurement::JobCreated]);
    let first = Measurement::AttemptStarted { is_first: true, waited: seconds(3) };
    assert_eq!(measurements(&started(&mut job, 3)), [first]);
    let code = Some("model_timeout");
    let failed = Measurement::AttemptEnded { outcome: AttemptOutcome::Failed, code };
    let retried = changed(&mut job, 10, retry(20));
    assert_eq!(measurements(&retried), [failed, Measurement::Retried { code }]);
    // It was due at second 30, not when it failed.
    let again = Measurement::AttemptStarted { is_first: false, waited: seconds(1) };
    assert_eq!(measurements(&started(&mut job, 31)), [again]);
    let ended = Measurement::JobEnded {
        state: JobState::Failed,
        code: Some("attempts_exhausted"),
        after: seconds(40),
    };
    assert_eq!(measurements(&changed(&mut job, 40, retry(1))), [failed, ended]);
}

#[test]
fn an_attempt_that_ends_with_its_job_ends_once_and_only_if_it_runs() {
    let cancel = || Change::RequestCancel { reason: None };
    let code = Some("cancelled_by_client");
    let cancelled = |after| Measurement::JobEnded { state: JobState::Cancelled, code, after };
    let (mut waiting, _) = created();
    let told = changed(&mut waiting, 4, cancel());
    assert_eq!(measurements(&told), [cancelled(seconds(4))]);

    let (mut running, _) = created();
    started(&mut running, 1);
    assert_eq!(measurements(&changed(&mut running, 5, cancel())), []);
    let told = changed(&mut running, 6, Change::ConfirmCancel);
    assert_eq!(measurements(&told), [attempt(AttemptOutcome::Ended), cancelled(seconds(6))]);

    let (mut backing_off, _) = created();
    started(&mut backing_off, 1);
    changed(&mut backing_off, 2, retry(60));
    let told = changed(&mut backing_off, 600, Change::PassDeadline);
    let code = Some("deadline_exceeded");
    let timed_out = Measurement::JobEnded { state: JobState::TimedOut, code, after: seconds(600) };
    assert_eq!(measurements(&told), [timed_out]);
}

#[test]
fn a_hand_over_ends_an_attempt_and_says_why() {
    let (mut job, _) = created();
    for (change, reason) in [
        (Change::Release, RequeueReason::Drain),
        (Change::LoseLease, RequeueReason::LeaseLost),
        (
            Change::Postpone {
                events: Vec::new(),
                error: problem(Code::ModelUnavailable),
                delay: seconds(1),
            },
            RequeueReason::CircuitOpen,
        ),
    ] {
        started(&mut job, 10);
        let told = changed(&mut job, 10, change);
        let given_back = Measurement::GivenBack { reason: Some(reason) };
        assert_eq!(measurements(&told), [attempt(AttemptOutcome::Requeued), given_back]);
    }
}

#[test]
fn steps_count_where_they_were_run_and_tools_by_how_they_answered() {
    let (mut job, _) = created();
    started(&mut job, 1);
    let completed = |taken_over_from| {
        EventBody::StepCompleted(StepCompleted {
            step: "plan".to_owned(),
            kind: StepKind::Model,
            duration_ms: 1_500,
            taken_over_from,
        })
    };
    let failed = StepFailed {
        step: "tools".to_owned(),
        kind: StepKind::Tool,
        error: problem(Code::ToolRejected),
    };
    let tool_failed = ToolCallFailed {
        call_id: "1".to_owned(),
        tool: "a name that somebody chose".to_owned(),
        error: problem(Code::ToolRejected),
    };
    let events = vec![
        completed(None),
        completed(Some(JobId::new())),
        EventBody::ToolCallFailed(tool_failed),
        EventBody::StepFailed(failed),
    ];
    let told = changed(&mut job, 2, Change::Work { events });
    let step = Measurement::StepCompleted { step: "plan", after: Duration::from_millis(1_500) };
    let call = Measurement::ToolCallEnded { failed_with: Some("tool_rejected") };
    assert_eq!(measurements(&told), [step, call]);
}

#[test]
fn the_steps_that_are_measured_are_those_of_the_workflow() {
    assert_eq!(StepName::ALL.map(|step| step.as_str()), steps::STEPS);
}

proptest! {
    #[test]
    fn what_begins_ends_once(choices in proptest::collection::vec(0usize..8, 1..40)) {
        let (mut job, created) = created();
        let mut all = vec![created];
        for (choice, at) in choices.into_iter().zip(1..) {
            let change = match choice {
                0 | 1 => Change::Start { worker: WorkerId::new(), pipeline_version: 1 },
                2 => retry(1),
                3 => Change::Fail { events: Vec::new(), error: problem(Code::Internal) },
                4 => Change::Release,
                5 => Change::LoseLease,
                6 => Change::RequestCancel { reason: None },
                _ => Change::ConfirmCancel,
            };
            let before = job.clone();
            if let Ok(recorded) = job.change(change, second(at * 10)) {
                all.push(committed(Some(&before), &job, recorded));
            }
        }
        if !job.is_ended() {
            all.push(changed(&mut job, 600, Change::PassDeadline));
        }
        let all: Vec<_> = all.iter().flat_map(measurements).collect();
        let count = |is: fn(&Measurement<'_>) -> bool| all.iter().filter(|each| is(each)).count();
        prop_assert_eq!(count(|each| matches!(each, Measurement::JobEnded { .. })), 1);
        prop_assert_eq!(
            count(|each| matches!(each, Measurement::AttemptStarted { .. })),
            count(|each| matches!(each, Measurement::AttemptEnded { .. }))
        );
    }
}
