//! Every state × every change, as one table: a snapshot, and a part of `docs/state-machine.md`.

use std::fmt::Write as _;
use std::time::Duration;

use contracts::{JobState, Timestamp};
use engine::job::{Change, Job, Recorded};

use crate::jobs::{Terms, answer, create, failure, second, step_started, worker};

const TERMS: Terms = Terms { max_attempts: 3, timeout_s: 600, queue_timeout_s: None };
/// When the table's jobs may begin their next attempt.
const RUN_AT_S: i64 = 60;

/// A change, and what is special about the job or the moment it is asked at.
struct Case {
    condition: &'static str,
    change: Change,
    now: Timestamp,
    prepare: fn(&mut Job),
}

impl Case {
    fn new(change: Change) -> Self {
        Self { condition: "", change, now: second(100), prepare: |_| {} }
    }

    fn at(mut self, condition: &'static str, now: Timestamp) -> Self {
        self.condition = condition;
        self.now = now;
        self
    }

    fn with(mut self, condition: &'static str, prepare: fn(&mut Job)) -> Self {
        self.condition = condition;
        self.prepare = prepare;
        self
    }

    fn title(&self) -> String {
        let name = change_name(&self.change);
        if self.condition.is_empty() {
            name.to_owned()
        } else {
            format!("{name}, {}", self.condition)
        }
    }
}

#[test]
fn every_state_answers_every_change_as_in_the_table() {
    insta::assert_snapshot!(table());
}

#[test]
fn the_documented_table_is_the_real_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/state-machine.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("```text\n").expect("the page has a table");
    let (documented, _) = rest.split_once("```").expect("the table has an end");
    assert_eq!(documented, table(), "copy the table from the snapshot into {path}");
}

/// States that answer every change alike share one block.
fn table() -> String {
    let mut blocks: Vec<(Vec<&str>, String)> = Vec::new();
    for (name, job) in jobs() {
        let mut rows = String::new();
        for case in cases() {
            let (title, answer) = (case.title(), answer_of(job.clone(), case));
            writeln!(rows, "  {title:<48}{answer}").expect("a String takes all");
        }
        match blocks.iter_mut().find(|(_, known)| *known == rows) {
            Some((names, _)) => names.push(name),
            None => blocks.push((vec![name], rows)),
        }
    }
    let blocks = blocks.into_iter().map(|(names, rows)| format!("{}\n{rows}", names.join(", ")));
    blocks.collect::<Vec<_>>().join("\n")
}

fn answer_of(mut job: Job, case: Case) -> String {
    (case.prepare)(&mut job);
    match job.change(case.change, case.now) {
        Ok(events) if events.is_empty() => "no change".to_owned(),
        Ok(events) => {
            let kinds: Vec<&str> = events.iter().map(|event| event.body.kind()).collect();
            format!("{:<12}{}", job.state.name().as_str(), kinds.join(", "))
        }
        Err(refusal) => format!("refused: {refusal}"),
    }
}

/// A job in each state, reached by changes that led there.
fn jobs() -> Vec<(&'static str, Job)> {
    let start = || Change::Start { worker: worker(7), pipeline_version: 1 };
    let run_at = Duration::from_secs(RUN_AT_S.unsigned_abs() - 10);
    let cancel = || Change::RequestCancel { reason: None };
    let lives: [(&'static str, Vec<Change>); 11] = [
        ("queued", vec![]),
        ("queued (after a hand-over)", vec![start(), Change::Release]),
        ("running", vec![start()]),
        ("retrying", vec![start(), retry(run_at)]),
        ("retrying (waiting out an outage)", vec![start(), postpone(run_at)]),
        ("cancelling", vec![start(), cancel()]),
        ("succeeded", vec![start(), succeed()]),
        ("failed", vec![start(), fail()]),
        ("timed_out", vec![start(), Change::Release, Change::PassDeadline]),
        ("expired", vec![Change::PassDeadline]),
        ("cancelled", vec![cancel()]),
    ];
    let jobs = lives.map(|(name, life)| (name, lived(life)));
    for state in JobState::ALL {
        assert!(jobs.iter().any(|(_, job)| job.state.name() == state), "no job is {state}");
    }
    jobs.into()
}

fn lived(life: Vec<Change>) -> Job {
    let (mut job, _) = create(TERMS);
    for change in life {
        let at = match change {
            Change::PassDeadline => job.deadline_at,
            Change::Start { .. }
            | Change::StartOver { .. }
            | Change::Work { .. }
            | Change::Retry { .. }
            | Change::Postpone { .. }
            | Change::Fail { .. }
            | Change::Succeed { .. }
            | Change::Release
            | Change::LoseLease
            | Change::RequestCancel { .. }
            | Change::ConfirmCancel => second(10),
        };
        let recorded: Vec<Recorded> = job.change(change, at).expect("the change is legal here");
        assert!(!recorded.is_empty());
    }
    job
}

fn cases() -> Vec<Case> {
    let start = || Case::new(Change::Start { worker: worker(8), pipeline_version: 1 });
    let past_deadline = second(TERMS.timeout_s);
    let second_s = Duration::from_secs(1);
    let queue_deadline: fn(&mut Job) = |job| job.queue_deadline_at = Some(second(50));
    vec![
        start(),
        start().at("before run_at", second(RUN_AT_S - 1)),
        start().with("past the queue deadline", queue_deadline),
        start().at("past the deadline", past_deadline),
        Case::new(Change::StartOver { worker: worker(8), pipeline_version: 2 }),
        Case::new(Change::Work { events: vec![step_started()] }),
        Case::new(retry(second_s)),
        Case::new(retry(second_s))
            .with("last attempt", |job| job.failures = TERMS.max_attempts - 1),
        Case::new(retry(second_s)).at("next one at the deadline", second(TERMS.timeout_s - 1)),
        Case::new(postpone(second_s)),
        Case::new(postpone(second_s))
            .with("last attempt", |job| job.failures = TERMS.max_attempts - 1),
        Case::new(postpone(second_s)).at("until past the deadline", second(TERMS.timeout_s - 1)),
        Case::new(fail()),
        Case::new(succeed()),
        Case::new(succeed()).at("past the deadline", past_deadline),
        Case::new(Change::Release),
        Case::new(Change::LoseLease),
        Case::new(Change::LoseLease).with("third crash in a row", |job| job.crash_count = 2),
        Case::new(Change::RequestCancel { reason: None }),
        Case::new(Change::ConfirmCancel),
        Case::new(Change::PassDeadline).at("in time", second(100)),
        Case::new(Change::PassDeadline).with("past the queue deadline", queue_deadline),
        Case::new(Change::PassDeadline).at("past the deadline", past_deadline),
    ]
}

fn retry(delay: Duration) -> Change {
    Change::Retry { events: vec![], error: failure(), delay }
}

fn postpone(delay: Duration) -> Change {
    Change::Postpone { events: vec![], error: failure(), delay }
}

fn fail() -> Change {
    Change::Fail { events: vec![], error: failure() }
}

fn succeed() -> Change {
    Change::Succeed { events: vec![], result: answer("42") }
}

const fn change_name(change: &Change) -> &'static str {
    match change {
        Change::Start { .. } => "Start",
        Change::StartOver { .. } => "StartOver",
        Change::Work { .. } => "Work",
        Change::Retry { .. } => "Retry",
        Change::Postpone { .. } => "Postpone",
        Change::Fail { .. } => "Fail",
        Change::Succeed { .. } => "Succeed",
        Change::Release => "Release",
        Change::LoseLease => "LoseLease",
        Change::RequestCancel { .. } => "RequestCancel",
        Change::ConfirmCancel => "ConfirmCancel",
        Change::PassDeadline => "PassDeadline",
    }
}
