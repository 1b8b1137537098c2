//! Workers of two releases, whose workflows differ, side by side.
//!
//! The program has one workflow. Its workers are told to know other versions of it, each of which
//! does what the one does: what is proved is who runs which job, and what becomes of it.

use std::time::Duration;

use contracts::{EventPage, Job, JobState};
use testkit::proof;

use super::processes::{Fleet, Servers};
use super::{assert_sound, until_called, verified};
use crate::process::{PATIENCE, Server, Worker};

/// What workers of the former release know, and those of the next.
const OLD: &str = "1";
const NEW: &str = "2,1";

/// Starts a worker that hands over at once what it runs when it ends, and waits until it is known
/// to be alive: `alive` workers are then.
async fn worker(servers: &Servers<'_>, fleet: &Fleet, name: &str, knows: &str) -> Worker {
    let before: usize = alive(servers);
    let mut command = fleet.worker_command(name);
    command.env("ASSAY_PIPELINES", knows).env("ASSAY_DRAIN_GRACE_S", "0");
    let worker = Worker::of(command);
    until_alive(servers, before + 1).await;
    worker
}

fn alive(servers: &Servers<'_>) -> usize {
    let count = servers.database.query("SELECT count(*) FROM workers WHERE pipelines IS NOT NULL");
    count.parse().unwrap()
}

async fn until_alive(servers: &Servers<'_>, workers: usize) {
    testkit::eventually(PATIENCE, async || (alive(servers) == workers).then_some(())).await;
}

/// The versions that the attempts of a job ran.
fn versions(log: &EventPage) -> Vec<u64> {
    let starts = log.events.iter().filter(|event| event.kind == "job.started");
    starts.filter_map(|event| event.data["pipeline_version"].as_u64()).collect()
}

/// Has jobs run, each with this version.
async fn assert_run_with(gateway: &Server, version: u64) {
    let mut jobs = Vec::new();
    for _ in 0..10 {
        jobs.push(gateway.submit("script: delay_ms=20").await);
    }
    for job in &jobs {
        let ended = gateway.until_ended(job).await;
        assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0), "{:?}", ended.error);
        assert_eq!(versions(&gateway.events(job).await), [version]);
    }
}

/// A job that is writing its answer.
async fn writing(gateway: &Server, fleet: &Fleet) -> Job {
    let job = gateway.submit("script: delay_ms=3000").await;
    until_called(&fleet.ledger(), &job.id.to_string(), "synthesize").await;
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_and_a_rollback_of_the_workflow_fail_no_job() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let old = worker(&servers, &fleet, "old", OLD).await;
    assert_run_with(&gateway, 1).await;
    let begun_by_old = writing(&gateway, &fleet).await;

    // The upgrade: until the last old one is gone, jobs begin with what all know.
    let new = worker(&servers, &fleet, "new", NEW).await;
    assert_run_with(&gateway, 1).await;
    assert!(old.terminate());
    until_alive(&servers, 1).await;
    let ended = gateway.until_ended(&begun_by_old).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0));
    let log = gateway.events(&begun_by_old).await;
    assert_eq!(versions(&log), [1, 1], "the new one goes on with it");
    assert_sound(&log);
    assert_run_with(&gateway, 2).await;

    // The rollback: who knows the newer workflow goes on with its jobs, as long as one is left.
    let another = worker(&servers, &fleet, "another", NEW).await;
    let begun_by_new = writing(&gateway, &fleet).await;
    let _old = worker(&servers, &fleet, "old", OLD).await;
    assert!(new.terminate());
    until_alive(&servers, 2).await;
    assert_run_with(&gateway, 1).await;
    let ended = gateway.until_ended(&begun_by_new).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0));
    let log = gateway.events(&begun_by_new).await;
    assert!(versions(&log).iter().all(|version| *version == 2), "{log:?}");
    assert_sound(&log);
    drop(another);
    verified(&fleet);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_workflow_that_was_rolled_back_starts_over_and_succeeds() {
    if !proof::is_long() {
        // The suite of the store has the rule; this waits for half a minute of its own.
        return;
    }
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let new = worker(&servers, &fleet, "new", NEW).await;
    let job = writing(&gateway, &fleet).await;
    let _old = worker(&servers, &fleet, "old", OLD).await;
    assert!(new.terminate());
    until_alive(&servers, 1).await;
    assert_run_with(&gateway, 1).await;
    let handed_over = tokio::time::Instant::now();
    let started_again = async || (versions(&gateway.events(&job).await) == [2, 1]).then_some(());
    testkit::eventually(Duration::from_secs(60), started_again).await;
    proof::figure(
        "a rollback of the workflow, seconds to a start over",
        handed_over.elapsed().as_secs(),
    );
    let ended = gateway.until_ended(&job).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0), "{:?}", ended.error);
    let log = gateway.events(&job).await;
    let kinds: Vec<&str> = log.events.iter().map(|event| event.kind.as_str()).collect();
    let again = kinds.iter().rposition(|kind| *kind == "job.started").unwrap();
    assert_eq!(kinds[again + 1], "output.reset");
    assert!(kinds[again..].contains(&"step.completed"), "finished steps run again: {kinds:?}");
    verified(&fleet);
}
