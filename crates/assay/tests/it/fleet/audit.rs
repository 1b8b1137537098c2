//! What must hold of every job afterwards, whatever was broken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::{Event, EventPage, Job, JobState};

use super::assert_sound;
use crate::ledger::Call;
use crate::process::Server;

/// The logs of jobs, by id.
pub(super) type Logs = BTreeMap<String, EventPage>;

/// What the calls of all steps come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) made: usize,
    /// Calls of a step beyond its first.
    pub(super) repeated: usize,
    /// Calls of a finished step by an earlier attempt, which did not know yet that it had lost its
    /// job: the fence was checked before the process froze.
    pub(super) late: usize,
}

/// Asserts that every job ends once and well.
pub(super) async fn ended_once(gateway: &Server, jobs: &[Job]) -> Logs {
    let mut logs = Logs::new();
    for job in jobs {
        let ended = gateway.until_ended(job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
        let log = gateway.events(job).await;
        assert_sound(&log);
        assert_eq!(log.head, ended.version);
        logs.insert(job.id.to_string(), log);
    }
    assert_eq!(logs.len(), jobs.len(), "two submissions made one job");
    logs
}

/// Asserts that no finished step was called again, and that each attempt called a step once.
///
/// The ledger is in the order of the calls. A call of an attempt later than the one that finished
/// the step breaks the rule. One of an earlier attempt does not, but is counted if a later step had
/// been called before it.
pub(super) fn finished_steps_stay_finished(ledger: &[Call], logs: &Logs) -> Calls {
    let mut calls = Calls::default();
    let mut seen = BTreeSet::new();
    let mut called = BTreeSet::new();
    for call in ledger {
        let Call { job_id, step, attempt } = call;
        let log = &logs[job_id];
        assert!(seen.insert(call), "an attempt called a step twice: {call:?}");
        let finished_in = finishing_attempt(log, step);
        assert!(*attempt <= finished_in, "a finished step was called again: {call:?}, {log:?}");
        calls.made += 1;
        calls.repeated += usize::from(!called.insert((job_id, step)));
        let is_late = step == "retrieve" && called.contains(&(job_id, &"synthesize".to_owned()));
        calls.late += usize::from(is_late);
    }
    for id in logs.keys() {
        for step in ["retrieve", "synthesize"] {
            assert!(called.contains(&(id, &step.to_owned())), "{id} ended without {step}");
        }
    }
    calls
}

/// How many attempts ended because their worker was taken for dead.
pub(super) fn lost_leases(logs: &Logs) -> usize {
    logs.values().flat_map(|log| &log.events).filter(|event| is_lease_lost(event)).count()
}

/// Whether an attempt ends here because its worker was taken for dead.
pub(super) fn is_lease_lost(event: &Event) -> bool {
    event.kind == "job.requeued" && event.data["reason"] == "lease_lost"
}

/// Whether an attempt ends here because its worker was told to stop.
pub(super) fn is_handed_over(event: &Event) -> bool {
    event.kind == "job.requeued" && event.data["reason"] == "drain"
}

/// When a job began that has, since the Unix epoch.
pub(super) fn started(job: &Job) -> Duration {
    let started = job.started_at.expect("it has begun").as_millis();
    Duration::from_millis(u64::try_from(started).unwrap())
}

/// When the attempt began that follows such an event, since the Unix epoch. The database's clock is
/// this machine's.
pub(super) fn resumed(log: &EventPage, given_back: fn(&Event) -> bool) -> Option<Duration> {
    let given_back = log.events.iter().position(given_back)?;
    let started = log.events[given_back..].iter().find(|event| event.kind == "job.started")?;
    Some(recorded(started))
}

/// Each hand-over of a job: when its worker gave it back, and when it began elsewhere, since the
/// Unix epoch.
pub(super) fn hand_overs(log: &EventPage) -> impl Iterator<Item = (Duration, Duration)> {
    let handed_over = (0..log.events.len()).filter(|n| is_handed_over(&log.events[*n]));
    handed_over.map(|n| {
        let resumed = log.events[n..].iter().find(|event| event.kind == "job.started");
        (recorded(&log.events[n]), recorded(resumed.expect("it began again")))
    })
}

fn recorded(event: &Event) -> Duration {
    // The event's time is cut off after the milliseconds.
    Duration::from_millis(u64::try_from(event.time.as_millis()).unwrap() + 1)
}

/// The attempt that finished a step.
fn finishing_attempt(log: &EventPage, step: &str) -> u32 {
    let finished = |event: &&Event| event.kind == "step.completed" && event.data["step"] == step;
    log.events.iter().find(finished).map_or(0, |event| event.attempt)
}
