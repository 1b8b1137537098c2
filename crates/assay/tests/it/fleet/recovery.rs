//! How long the jobs of a worker that was killed stand still.

use std::time::Duration;

use contracts::Job;
use testkit::proof::{self, Length, figure};

use super::processes::{Fleet, Servers};
use super::{audit, now, until_all_called, verified};
use crate::ledger;
use crate::process::{Server, Worker};

/// Jobs that lose their worker, at least.
const INTERRUPTED: Length = Length { short: 30, long: 300 };
/// Jobs that one worker is killed with.
const SLOTS: usize = 8;
/// Long enough that the next worker is there before a step ends.
const QUESTION: &str = "script: delay_ms=1500";
/// What is promised of the 99th percentile, on a machine that does nothing else.
const P99_MAX: Duration = Duration::from_secs(3);
/// What the short form asks of each job: other tests run meanwhile.
const SHORT_MAX: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_killed_worker_run_elsewhere_within_seconds() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let wanted = INTERRUPTED.now("ASSAY_TEST_INTERRUPTED");
    let mut worker = fleet.worker("0");
    let (mut took, mut kills, mut jobs) = (Vec::new(), 0, Vec::new());
    while took.len() < wanted {
        kills += 1;
        assert!(kills <= wanted, "jobs end before their worker can be killed");
        let round = Round { fleet: &fleet, gateway: &gateway, number: kills };
        let (next, interrupted, submitted) = round.kill(worker).await;
        took.extend(interrupted);
        jobs.extend(submitted);
        worker = next;
    }
    took.sort();
    let percentile = |p: usize| took[(took.len() * p).div_ceil(100) - 1];
    let (p50, p99, max) = (percentile(50), percentile(99), percentile(100));
    figure("recovery, workers killed", kills);
    figure("recovery, jobs interrupted", took.len());
    figure("recovery, from kill -9 to running elsewhere, p50", format!("{p50:.2?}"));
    figure("recovery, from kill -9 to running elsewhere, p99", format!("{p99:.2?}"));
    figure("recovery, from kill -9 to running elsewhere, max", format!("{max:.2?}"));
    let logs = audit::ended_once(&gateway, &jobs).await;
    let calls = audit::finished_steps_stay_finished(&ledger::read(&fleet.ledger()), &logs);
    assert_eq!(calls.late, 0);
    figure("recovery, `assay verify`", verified(&fleet));
    if proof::is_long() {
        assert!(p99 <= P99_MAX, "{took:?}");
    } else {
        assert!(max <= SHORT_MAX, "{took:?}");
    }
}

/// One worker that is killed while its slots are full, and the one that takes over.
struct Round<'a> {
    fleet: &'a Fleet,
    gateway: &'a Server,
    number: usize,
}

impl Round<'_> {
    /// Kills `worker`: the worker that goes on, how long each interrupted job stood still, and the
    /// jobs.
    async fn kill(&self, worker: Worker) -> (Worker, Vec<Duration>, Vec<Job>) {
        let mut jobs = Vec::new();
        for _ in 0..SLOTS {
            jobs.push(self.gateway.submit(QUESTION).await);
        }
        // In turn in the first step that calls something, and after a checkpoint.
        let step = if self.number.is_multiple_of(2) { "synthesize" } else { "retrieve" };
        until_all_called(&self.fleet.ledger(), &jobs, step).await;
        let next = self.fleet.worker(&self.number.to_string());
        let killed = now();
        worker.kill_9();
        let mut took = Vec::new();
        for job in &jobs {
            self.gateway.until_ended(job).await;
            let log = self.gateway.events(job).await;
            let resumed = audit::resumed(&log, audit::is_lease_lost);
            took.extend(resumed.map(|at| at.saturating_sub(killed)));
        }
        (next, took, jobs)
    }
}
