//! Every process of a fleet is replaced while clients submit and follow jobs: by one of the same
//! release, by one of the release before, and forward again. No job is lost and no failure counted,
//! and no reader loses its place.

mod readers;
mod rollout;
mod service;
mod submitters;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contracts::{EventPage, Job};
use serde_json::Value;
use testkit::proof::{self, Length, figure};
use tokio::task::block_in_place;

use super::audit::{self, Logs};
use super::processes::Servers;
use super::{former, verified};
use crate::ledger::{self, Call};
use readers::Transcript;
use rollout::{Release, Rollout};
use submitters::{Accepted, Load};

const GATEWAYS: usize = 2;
const WORKERS: usize = 3;

/// How often every process is replaced by one of the same release.
const ROUNDS: Length = Length { short: 1, long: 3 };
/// What a reader may be without its stream for.
const RETURN_MAX: Duration = Duration::from_secs(30);
/// What an attempt that is handed over may take to begin elsewhere, from SIGTERM on.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
/// The same where other tests run meanwhile.
const SHORT_HAND_OVER_MAX: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_loses_no_job_and_no_readers_place() {
    let Some(servers) = Servers::start().await else { return };
    let rounds = ROUNDS.now("ASSAY_TEST_ROLLING_RESTARTS");
    roll("rolling restarts", &servers, &vec![Release::This; rounds]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rollback_to_the_former_release_and_back_loses_no_job_and_no_readers_place() {
    if !proof::is_long() {
        // It builds the former release.
        return;
    }
    let Some(former): Option<PathBuf> = block_in_place(former::program) else { return };
    let Some(servers) = Servers::start().await else { return };
    figure("rollback and back, the former release", former::commit());
    roll("rollback and back", &servers, &[Release::Other(former), Release::This]).await;
}

/// Replaces all processes of a fleet of this release by those of each of `releases` in turn, while
/// clients submit and follow jobs. What it found begins with `name`.
async fn roll(name: &str, servers: &Servers<'_>, releases: &[Release]) {
    let mut rollout = block_in_place(|| Rollout::start(servers));
    let load = Load::start(Arc::clone(&rollout.service));
    load.until_more_are_accepted().await;
    for release in releases {
        rollout.replace_all_by(release, &load).await;
    }
    let (accepted, transcripts) = load.stop().await;

    let jobs: Vec<Job> = accepted.iter().map(|accepted| accepted.job.clone()).collect();
    let [first, second] = rollout.gateways();
    let logs = audit::ended_once(first, &jobs).await;
    for job in &jobs {
        assert_eq!(first.job(job).await.failures, 0);
        assert_eq!(second.events(job).await, logs[&job.id.to_string()]);
    }
    let in_database = servers.database.query("SELECT count(*) FROM jobs");
    assert_eq!(in_database, jobs.len().to_string(), "one key made two jobs");
    assert_eq!(audit::lost_leases(&logs), 0, "{logs:?}");
    for log in logs.values() {
        assert!(!log.events.iter().any(|event| event.kind == "job.attempt_failed"), "{log:?}");
    }
    figure(&format!("{name}, processes replaced"), releases.len() * (GATEWAYS + WORKERS));
    figure(&format!("{name}, jobs that ended once and well"), jobs.len());
    report_calls(name, ledger::read(&rollout.fleet.ledger()), &logs);
    report_hand_overs(name, &rollout.told, &logs);
    report_submissions(name, &accepted);
    report_readers(name, &transcripts, &logs);
    figure(&format!("{name}, `assay verify`"), verified(&rollout.fleet));
}

/// Asserts that no finished step was called again, and no call repeated without a hand-over.
fn report_calls(name: &str, ledger: Vec<Call>, logs: &Logs) {
    // What tools were called for has rounds within the step.
    let has_one_call = |call: &Call| ["retrieve", "synthesize"].contains(&call.step.as_str());
    let ledger: Vec<Call> = ledger.into_iter().filter(has_one_call).collect();
    let calls = audit::finished_steps_stay_finished(&ledger, logs);
    assert_eq!(calls.late, 0);
    let hand_overs: usize = logs.values().map(hand_overs).sum();
    assert!(calls.repeated <= hand_overs, "{calls:?}, {hand_overs} hand-overs");
    figure(&format!("{name}, calls of unfinished steps repeated"), calls.repeated);
}

fn hand_overs(log: &EventPage) -> usize {
    log.events.iter().filter(|event| audit::is_handed_over(event)).count()
}

/// Asserts that what a worker handed over began elsewhere in time. `told` says when workers were
/// told to stop: one after the other.
fn report_hand_overs(name: &str, told: &[Duration], logs: &Logs) {
    let mut took: Vec<Duration> = Vec::new();
    for log in logs.values() {
        for (given_back, resumed) in audit::hand_overs(log) {
            let told = told.iter().rfind(|told| **told <= given_back);
            took.push(resumed.saturating_sub(*told.expect("a worker was told to stop")));
        }
    }
    took.sort();
    let last = took.len().checked_sub(1).expect("a job was handed over");
    let p99 = took[(took.len() * 99).div_ceil(100) - 1];
    figure(&format!("{name}, hand-overs"), took.len());
    figure(&format!("{name}, from SIGTERM to running elsewhere, p99"), format!("{p99:.2?}"));
    let allowed = if proof::is_long() { HAND_OVER_MAX } else { SHORT_HAND_OVER_MAX };
    assert!(took[last] <= allowed, "{took:?}");
}

fn report_submissions(name: &str, accepted: &[Accepted]) {
    let sum = |of: fn(&Accepted) -> usize| accepted.iter().map(of).sum::<usize>();
    let slowest = accepted.iter().map(|accepted| accepted.took).max().unwrap_or_default();
    figure(&format!("{name}, submissions sent again"), sum(|accepted| accepted.resent));
    figure(&format!("{name}, submissions cut off"), sum(|accepted| accepted.cut));
    figure(&format!("{name}, slowest 202"), format!("{slowest:.2?}"));
}

/// Asserts that every reader was shown exactly the log, and was never without a stream for long.
fn report_readers(name: &str, transcripts: &[Transcript], logs: &Logs) {
    for Transcript { job, events, .. } in transcripts {
        let log = &logs[&job.id.to_string()];
        assert_eq!(Value::from(events.clone()), serde_json::to_value(&log.events).unwrap());
    }
    let sum = |of: fn(&Transcript) -> usize| transcripts.iter().map(of).sum::<usize>();
    let gaps = transcripts.iter().flat_map(|transcript| &transcript.gaps);
    let longest = gaps.copied().max().expect("a reader lost its stream");
    let jobs: BTreeSet<String> =
        transcripts.iter().map(|transcript| transcript.job.id.to_string()).collect();
    let readers = format!("{} of {} jobs", transcripts.len(), jobs.len());
    figure(&format!("{name}, readers whose transcript was the log"), readers);
    figure(&format!("{name}, streams that were closed and resumed"), sum(|one| one.gaps.len()));
    assert_eq!(sum(|one| one.cut), 0, "a stream ended without a word");
    figure(&format!("{name}, longest time without a stream"), format!("{longest:.2?}"));
    assert!(longest <= RETURN_MAX, "{longest:?}");
}
