//! What must hold of every job afterwards, whatever was broken.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Event, EventPage, JobState};
use serde_json::Value;

use super::GATEWAYS;
use super::clients::Accepted;
use super::subscribers::Transcript;
use crate::fleet::{Call, assert_sound};
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

/// Asserts that every job ended once and well, and that every gateway has the same log of it.
pub(super) async fn ended_once(gateways: [&Server; GATEWAYS], jobs: &[Accepted]) -> Logs {
    let mut logs = Logs::new();
    for Accepted { job, .. } in jobs {
        let ended = gateways[0].until_ended(job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
        let log = gateways[0].events(job).await;
        assert_sound(&log);
        assert_eq!(log.head, ended.version);
        assert_eq!(log, gateways[1].events(job).await);
        logs.insert(job.id.to_string(), log);
    }
    assert_eq!(logs.len(), jobs.len(), "two submissions made one job");
    logs
}

/// Asserts that every subscriber was shown exactly the log.
pub(super) fn transcripts_are_logs(transcripts: &[Transcript], logs: &Logs) {
    for Transcript { job, events, .. } in transcripts {
        let log = &logs[&job.id.to_string()];
        assert_eq!(Value::from(events.clone()), serde_json::to_value(&log.events).unwrap());
    }
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

/// How many attempts lost their worker.
pub(super) fn lost_leases(logs: &Logs) -> usize {
    let is_lost =
        |event: &&Event| event.kind == "job.requeued" && event.data["reason"] == "lease_lost";
    logs.values().map(|log| log.events.iter().filter(is_lost).count()).sum()
}

/// The attempt that finished a step.
fn finishing_attempt(log: &EventPage, step: &str) -> u32 {
    let finished = |event: &&Event| event.kind == "step.completed" && event.data["step"] == step;
    log.events.iter().find(finished).map_or(0, |event| event.attempt)
}
