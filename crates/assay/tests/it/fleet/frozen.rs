//! A worker that is frozen, and thawed when its jobs are somebody else's.

use std::cell::RefCell;

use contracts::{EventPage, Job};
use serde_json::Value;
use testkit::proof::{Length, figure};

use super::processes::{Fleet, Servers};
use super::{audit, until_all_called, verified};
use crate::ledger;
use crate::process::{PATIENCE, Server, Worker};

/// Jobs that have ended elsewhere when the worker is thawed.
const QUICK: usize = 4;
/// Jobs that run elsewhere then, still in the step in which they were frozen.
const SLOW: usize = 4;
const ROUNDS: Length = Length { short: 1, long: 5 };
/// What a worker ends with that was silent for longer than its lease.
const LEASE_OVER: i32 = 70;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_frozen_until_its_jobs_were_given_back_has_no_write_accepted() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let (mut all, mut ended_itself) = (Vec::new(), 0);
    let rounds = ROUNDS.now("ASSAY_TEST_FREEZES");
    for round in 0..rounds {
        let mut frozen = fleet.worker(&format!("frozen-{round}"));
        let quick = submit(&gateway, QUICK, "script: delay_ms=600").await;
        let slow = submit(&gateway, SLOW, "script: delay_ms=6000").await;
        until_all_called(&fleet.ledger(), &quick, "retrieve").await;
        until_all_called(&fleet.ledger(), &slow, "retrieve").await;
        frozen.signal("STOP");
        let other = fleet.worker(&format!("other-{round}"));
        let before = audit::ended_once(&gateway, &quick).await;
        let others: Vec<Value> = runs_elsewhere(&gateway, &slow).await;

        frozen.signal("CONT");
        ended_itself += usize::from(shows_life(&mut frozen, &gateway, &others).await);
        let after = audit::ended_once(&gateway, &slow).await;
        for job in &quick {
            let log = gateway.events(job).await;
            assert_eq!(log, before[&job.id.to_string()], "a write of a lost attempt was accepted");
        }
        before.values().chain(after.values()).for_each(assert_silent_once_given_back);
        all.extend(quick.into_iter().chain(slow));
        assert!(other.terminate());
    }
    let logs = audit::ended_once(&gateway, &all).await;
    let theirs =
        ledger::read(&fleet.ledger()).into_iter().filter(|call| logs.contains_key(&call.job_id));
    let calls = audit::finished_steps_stay_finished(&theirs.collect::<Vec<_>>(), &logs);
    figure("frozen workers", rounds);
    figure("frozen workers, attempts lost", audit::lost_leases(&logs));
    figure("frozen workers, writes accepted afterwards", 0);
    figure("frozen workers, calls of finished steps by them", calls.late);
    figure("frozen workers that ended themselves", ended_itself);
    figure("frozen workers, `assay verify`", verified(&fleet));
}

async fn submit(gateway: &Server, count: usize, question: &str) -> Vec<Job> {
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(gateway.submit(question).await);
    }
    jobs
}

/// Waits until each job has begun its second attempt: the workers that run them.
async fn runs_elsewhere(gateway: &Server, jobs: &[Job]) -> Vec<Value> {
    let mut workers = Vec::new();
    for job in jobs {
        let second = async || {
            let events = gateway.events(job).await.events;
            let started = events.into_iter().filter(|event| event.kind == "job.started").nth(1)?;
            Some(started.data["worker"].clone())
        };
        workers.push(testkit::eventually(PATIENCE, second).await);
    }
    workers
}

/// Waits until a worker that was thawed starts a new job, which none of the others did, or ends
/// because its lease is over: whether it has ended.
async fn shows_life(thawed: &mut Worker, gateway: &Server, others: &[Value]) -> bool {
    let thawed = RefCell::new(thawed);
    let shown = async || {
        let job = gateway.submit("script: delay_ms=5").await;
        gateway.until_ended(&job).await;
        let events = gateway.events(&job).await.events;
        let is_its = events
            .iter()
            .any(|event| event.kind == "job.started" && !others.contains(&event.data["worker"]));
        let code = thawed.borrow_mut().exit_code();
        (is_its || code.is_some()).then_some(code)
    };
    let code = testkit::eventually(PATIENCE, shown).await;
    assert!(code.is_none_or(|code| code == LEASE_OVER), "{code:?}");
    code.is_some()
}

/// Asserts that nothing of an attempt is in the log after it was given back, and that the next one
/// finished what was begun in both.
fn assert_silent_once_given_back(log: &EventPage) {
    let given_back = log.events.iter().position(audit::is_lease_lost);
    let given_back = given_back.expect("it was in a step when its worker was frozen");
    let (lost, later) = (&log.events[given_back], &log.events[given_back + 1..]);
    assert!(later.iter().all(|event| event.attempt > lost.attempt), "{log:?}");
    let finished = |event: &&contracts::Event| {
        event.kind == "step.completed" && event.data["step"] == "retrieve"
    };
    assert_eq!(later.iter().filter(finished).count(), 1, "{log:?}");
}
