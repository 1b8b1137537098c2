//! Jobs outlive the process that runs them.

use std::path::Path;

use contracts::event::RequeueReason;
use contracts::job::AttemptOutcome;
use contracts::{Code, EventPage, JobState};

use crate::ledger;
use crate::process::{PATIENCE, Server};

/// The steps of the jobs that were called, in order.
fn calls(file: &Path) -> Vec<String> {
    ledger::read(file).into_iter().map(|call| call.step).collect()
}

fn assert_numbered_without_holes(log: &EventPage) {
    let versions: Vec<u64> = log.events.iter().map(contracts::Event::version).collect();
    assert_eq!(versions, (1..=log.head).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_killed_in_the_middle_of_a_step_goes_on_after_its_last_finished_step() {
    let dir = tempfile::tempdir().unwrap();
    let (data, ledger) = (dir.path().join("data"), dir.path().join("ledger"));

    let first = Server::start(&data, &ledger);
    let job = first.submit("script: delay_ms=1500").await;
    let in_the_step = async || (calls(&ledger) == ["retrieve", "synthesize"]).then_some(());
    testkit::eventually(PATIENCE, in_the_step).await;
    first.kill_9();

    let second = Server::start(&data, &ledger);
    let ended = second.until_ended(&job).await;
    let log = second.events(&job).await;

    assert_eq!(ended.state, JobState::Succeeded);
    assert_eq!(calls(&ledger), ["retrieve", "synthesize", "synthesize"]);
    assert_eq!((ended.attempt, ended.failures), (2, 0));
    assert_eq!(ended.attempts[0].outcome, Some(AttemptOutcome::Requeued));
    assert_eq!(ended.attempts[0].requeue_reason, Some(RequeueReason::LeaseLost));
    assert_numbered_without_holes(&log);
    let completed = log.events.iter().filter(|event| event.kind == "step.completed");
    let completed: Vec<_> = completed.map(|event| event.data["step"].clone()).collect();
    assert_eq!(completed, ["plan", "retrieve", "synthesize", "verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_job_ends_once_though_the_process_is_killed_again_and_again() {
    const JOBS: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let (data, ledger) = (dir.path().join("data"), dir.path().join("ledger"));
    let mut jobs = Vec::new();
    for round in 0..4 {
        let server = Server::start(&data, &ledger);
        for _ in 0..JOBS / 4 {
            jobs.push(server.submit("script: delay_ms=60").await);
        }
        // Killed at another point each time: as soon as so many of the newest jobs have started.
        let newest = &jobs[jobs.len() - 1 - round];
        server.until_event(newest, |kind, _| kind == "job.started").await;
        server.kill_9();
    }
    let server = Server::start(&data, &ledger);
    for job in &jobs {
        let ended = server.until_ended(job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
        let log = server.events(job).await;
        assert_numbered_without_holes(&log);
        let ends = log.events.iter().filter(|event| event.is_terminal()).count();
        assert_eq!(ends, 1);
        assert!(log.events.last().unwrap().is_terminal());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_process_each_time_is_given_up_and_its_neighbour_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let (data, ledger) = (dir.path().join("data"), dir.path().join("ledger"));
    let server = Server::start(&data, &ledger);
    // The delay lets the answer to the submission leave before the process ends.
    let killer = server.submit("script: delay_ms=300 exit=7").await;
    assert_eq!(server.wait(), Some(7));
    for _ in 0..2 {
        let server = Server::start(&data, &ledger);
        assert_eq!(server.wait(), Some(7));
    }
    let server = Server::start(&data, &ledger);
    let neighbour = server.submit("script: delay_ms=1").await;
    let killer = server.until_ended(&killer).await;
    assert_eq!(killer.state, JobState::Failed);
    assert_eq!(killer.error.unwrap().code, Code::WorkerLost);
    assert_eq!(server.until_ended(&neighbour).await.state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_told_to_stop_hands_its_jobs_over_without_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let (data, ledger) = (dir.path().join("data"), dir.path().join("ledger"));
    let first = Server::start(&data, &ledger);
    let job = first.submit("script: delay_ms=8000").await;
    first
        .until_event(&job, |kind, data| kind == "step.started" && data["step"] == "retrieve")
        .await;
    let (ended_well, took) = first.terminate();
    assert!(ended_well);
    assert!(took < std::time::Duration::from_secs(9), "{took:?}");

    let second = Server::start(&data, &ledger);
    let job = second.job(&job).await;
    assert_eq!(job.failures, 0);
    let log = second.events(&job).await;
    let requeued = log.events.iter().find(|event| event.kind == "job.requeued").unwrap();
    assert_eq!(requeued.data["reason"], "drain");
}
