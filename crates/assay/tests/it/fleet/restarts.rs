//! What is stopped in order, or comes back, costs no job an attempt.

use std::time::Duration;

use contracts::Job;
use testkit::proof::{self, Length, figure};
use testkit::servers::Postgres;
use tokio::task::block_in_place;

use super::processes::{Fleet, Servers};
use super::{audit, now, until_all_called, verified};
use crate::ledger;
use crate::process::{Server, Worker};

/// What an attempt that is handed over may take to begin elsewhere, from SIGTERM on.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
/// The same where other tests run meanwhile.
const SHORT_HAND_OVER_MAX: Duration = Duration::from_secs(6);
const HAND_OVERS: Length = Length { short: 1, long: 10 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_of_the_database_gives_back_no_living_workers_job() {
    let Some(postgres) = Postgres::own() else { return };
    let Some(servers) = Servers::on(&postgres).await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let _workers = [fleet.worker("one"), fleet.worker("two")];
    // In order and by kill -9; at once, after longer than a lost lock proves nothing, and, in the
    // long form, after longer than a lease.
    let short = [(Postgres::stop as fn(&Postgres), 0), (Postgres::kill, 0), (Postgres::stop, 3)];
    let long = [(Postgres::stop as fn(&Postgres), 12), (Postgres::kill, 12)];
    let long = if proof::is_long() { long.as_slice() } else { &[] };
    let mut all = Vec::new();
    for (end, outage_s) in short.iter().chain(long) {
        let jobs = running_jobs(&fleet, &gateway, *outage_s).await;
        block_in_place(|| end(&postgres));
        tokio::time::sleep(Duration::from_secs(*outage_s)).await;
        block_in_place(|| postgres.start());
        let logs = audit::ended_once(&gateway, &jobs).await;
        assert_eq!(audit::lost_leases(&logs), 0, "after {outage_s} s: {logs:?}");
        all.extend(jobs);
    }
    let logs = audit::ended_once(&gateway, &all).await;
    let calls = audit::finished_steps_stay_finished(&ledger::read(&fleet.ledger()), &logs);
    assert_eq!(calls.late, 0);
    figure("restarts of the database", short.len() + long.len());
    figure("restarts of the database, jobs that were running", all.len());
    figure("restarts of the database, jobs given back", audit::lost_leases(&logs));
    figure("restarts of the database, `assay verify`", verified(&fleet));
}

/// Jobs that are in their steps before and after an outage of this length, and some that begin and
/// end whenever they can.
async fn running_jobs(fleet: &Fleet, gateway: &Server, outage_s: u64) -> Vec<Job> {
    let question = format!("script: delay_ms={}", 1_000 + 600 * outage_s);
    let mut jobs = Vec::new();
    for _ in 0..10 {
        jobs.push(gateway.submit(&question).await);
    }
    until_all_called(&fleet.ledger(), &jobs, "retrieve").await;
    for _ in 0..20 {
        jobs.push(gateway.submit("script: delay_ms=10").await);
    }
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_hands_its_jobs_over_within_seconds_and_counts_no_failure() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let without_grace = |n: usize| {
        let mut command = fleet.worker_command(&n.to_string());
        command.env("ASSAY_DRAIN_GRACE_S", "0");
        Worker::of(command)
    };
    let mut worker = without_grace(0);
    let mut took = Vec::new();
    for round in 1..=HAND_OVERS.now("ASSAY_TEST_HAND_OVERS") {
        let mut jobs = Vec::new();
        for _ in 0..8 {
            jobs.push(gateway.submit("script: delay_ms=1500").await);
        }
        until_all_called(&fleet.ledger(), &jobs, "retrieve").await;
        let next = without_grace(round);
        let told = now();
        assert!(worker.terminate(), "it ends well");
        let logs = audit::ended_once(&gateway, &jobs).await;
        for (job, log) in jobs.iter().zip(logs.values()) {
            assert_eq!(gateway.job(job).await.failures, 0);
            assert!(!log.events.iter().any(audit::is_lease_lost), "{log:?}");
            let resumed = audit::resumed(log, audit::is_handed_over);
            took.extend(resumed.map(|at| at.saturating_sub(told)));
        }
        worker = next;
    }
    let max = took.iter().max().copied().expect("a job was handed over");
    figure("hand-over, jobs", took.len());
    figure("hand-over, from SIGTERM to running elsewhere, max", format!("{max:.2?}"));
    let allowed = if proof::is_long() { HAND_OVER_MAX } else { SHORT_HAND_OVER_MAX };
    assert!(max <= allowed, "{took:?}");
}
