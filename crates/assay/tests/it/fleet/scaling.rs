//! Workers come and go with the backlog, as KEDA is told to have them in deploy/kubernetes: jobs end
//! faster and slower, and none is lost or repeated.

mod autoscaler;

use std::process::Command;
use std::time::{Duration, Instant};

use contracts::{EventPage, Job};
use serde_json::json;
use testkit::proof::{self, Length, figure};
use tokio::task::{JoinSet, block_in_place};

use super::processes::{Fleet, Servers};
use super::{audit, verified};
use crate::client::{Client, body};
use crate::ledger;
use crate::process::{Server, Worker};
use autoscaler::Autoscaler;

const JOBS: Length = Length { short: 300, long: 5_000 };
/// What each of the two calls of a job takes. It is spent waiting: two cores are enough for six
/// workers.
const CALL_MS: Length = Length { short: 600, long: 300 };
const MEASURED_S: Length = Length { short: 5, long: 15 };
/// The fewest and the most workers.
const WORKERS: (usize, usize) = (1, 6);
/// Clients that submit the backlog side by side.
const CLIENTS: usize = 8;
/// How often the autoscaler asks. KEDA is told to ask every 10 s.
const POLL: Duration = Duration::from_millis(500);
/// What the slowest machine takes to run the backlog.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn throughput_follows_the_workers_that_the_backlog_asks_for_and_no_job_is_lost_or_repeated() {
    let Some(servers) = Servers::start().await else { return };
    let autoscaler = Autoscaler { replicas: WORKERS.0..=WORKERS.1, ..Autoscaler::deployed() };
    let fleet = Fleet::new(&servers);
    let mut bed =
        Bed { servers: &servers, autoscaler, gateway: fleet.gateway(), crew: Vec::new(), fleet };
    let mut asked = vec![bed.ask()];
    bed.scale_to(asked[0].workers);
    let mut jobs = bed.submit_backlog().await;
    let one = bed.rate().await;
    asked.push(bed.ask());
    bed.scale_to(asked[1].workers);
    let six = bed.rate().await;
    asked.extend(bed.follow_the_backlog().await);
    let measured = async { (bed.rate().await, bed.ask()) };
    let ((again, last), more) = tokio::join!(measured, bed.keep_one_worker_busy());
    asked.push(last);
    jobs.extend(more);

    let asked = Asked::changes(&asked);
    figure("scaling, jobs that ended once and well", jobs.len());
    figure(
        "scaling, jobs a second with 1, 6 and 1 workers",
        format!("{one:.1}, {six:.1}, {again:.1}"),
    );
    figure(
        "scaling, workers asked for (backlog)",
        asked.iter().map(Asked::to_string).collect::<Vec<_>>().join(", "),
    );
    bed.judge(&jobs).await;
    let asked: Vec<usize> = asked.iter().map(|asked| asked.workers).collect();
    assert_eq!((asked[0], asked[1], asked.last()), (WORKERS.0, WORKERS.1, Some(&WORKERS.0)));
    assert!(asked[1..].is_sorted_by(|before, after| before > after), "{asked:?}");
    // Other tests run beside the short form.
    let (times, spread) = if proof::is_long() { (4.0, 1.25) } else { (3.0, 2.0) };
    assert!(six >= one * times, "{one} with one worker, {six} with six");
    assert!(
        (one / spread..=one * spread).contains(&again),
        "{one} with one worker, {again} with one again"
    );
}

/// What was asked for, and why.
#[derive(Debug, Clone, Copy)]
struct Asked {
    backlog: usize,
    workers: usize,
}

impl Asked {
    /// The first of each run of the same number of workers.
    fn changes(all: &[Self]) -> Vec<Self> {
        let mut changes = all.to_vec();
        changes.dedup_by_key(|asked| asked.workers);
        changes
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.workers, self.backlog)
    }
}

/// A fleet of one gateway and as many workers as are asked for.
struct Bed<'a> {
    servers: &'a Servers<'a>,
    autoscaler: Autoscaler,
    gateway: Server,
    crew: Vec<Worker>,
    fleet: Fleet,
}

impl Bed<'_> {
    /// Asks the database how many workers there should be.
    fn ask(&self) -> Asked {
        let query = &self.autoscaler.query;
        let backlog = block_in_place(|| self.servers.database.query(query)).parse().unwrap();
        Asked { backlog, workers: self.autoscaler.workers(backlog) }
    }

    /// Starts workers, or stops them with SIGTERM.
    fn scale_to(&mut self, workers: usize) {
        block_in_place(|| {
            while self.crew.len() < workers {
                self.crew.push(Worker::of(self.worker_command()));
            }
            for worker in self.crew.drain(workers..) {
                assert!(worker.terminate(), "a worker that is told to stop ends well");
            }
        });
    }

    /// A worker with as many slots as the autoscaler counts on, which hands over at once what it
    /// runs when it ends: so that there is something to hand over.
    fn worker_command(&self) -> Command {
        let mut command = self.fleet.worker_command(&format!("worker-{}", self.crew.len()));
        command.env("ASSAY_SLOTS", self.autoscaler.jobs_per_worker.to_string());
        command.env("ASSAY_DRAIN_GRACE_S", "0");
        command
    }

    async fn submit_backlog(&self) -> Vec<Job> {
        let jobs = JOBS.now("ASSAY_TEST_SCALING_JOBS");
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let (client, share) = (self.client(), (n..jobs).step_by(CLIENTS).len());
            clients.spawn(async move {
                let mut accepted = Vec::new();
                for _ in 0..share {
                    accepted.push(submit(&client).await);
                }
                accepted
            });
        }
        clients.join_all().await.concat()
    }

    /// The jobs that end in a second, once the workers are at it.
    async fn rate(&self) -> f64 {
        let call = Duration::from_millis(CALL_MS.now("ASSAY_TEST_SCALING_CALL_MS") as u64);
        tokio::time::sleep(call * 2).await;
        let (before, began) = (self.ended(), Instant::now());
        let measured = MEASURED_S.now("ASSAY_TEST_SCALING_SECONDS");
        tokio::time::sleep(Duration::from_secs(measured as u64)).await;
        (self.ended() - before) as f64 / began.elapsed().as_secs_f64()
    }

    fn ended(&self) -> usize {
        let count = "SELECT count(*) FROM jobs WHERE state = 'succeeded'";
        block_in_place(|| self.servers.database.query(count)).parse().unwrap()
    }

    /// Has as many workers as are asked for, until that is the fewest: what was asked for.
    async fn follow_the_backlog(&mut self) -> Vec<Asked> {
        let (mut asked, end) = (Vec::new(), Instant::now() + PATIENCE);
        while self.crew.len() > WORKERS.0 {
            assert!(Instant::now() < end, "the backlog does not shrink: {asked:?}");
            tokio::time::sleep(POLL).await;
            let next = self.ask();
            self.scale_to(next.workers);
            asked.push(next);
        }
        asked
    }

    /// Submits a job whenever one has ended, for as long as is measured: as many at a time as one
    /// worker runs.
    async fn keep_one_worker_busy(&self) -> Vec<Job> {
        let measured = MEASURED_S.now("ASSAY_TEST_SCALING_SECONDS") as u64;
        let end = Instant::now() + Duration::from_secs(measured + 2);
        let mut clients = JoinSet::new();
        for _ in 0..self.autoscaler.jobs_per_worker {
            let client = self.client();
            clients.spawn(async move {
                let mut accepted = Vec::new();
                while Instant::now() < end {
                    let job = submit(&client).await;
                    client.ended(&job.links.this).await;
                    accepted.push(job);
                }
                accepted
            });
        }
        clients.join_all().await.concat()
    }

    /// Asserts that every job ended once and well, and none was called twice for but by a hand-over.
    async fn judge(&self, jobs: &[Job]) {
        let logs = audit::ended_once(&self.gateway, jobs).await;
        assert_eq!(audit::lost_leases(&logs), 0);
        for log in logs.values() {
            assert!(!log.events.iter().any(|event| event.kind == "job.attempt_failed"), "{log:?}");
        }
        let count = |what: &str| {
            block_in_place(|| {
                self.servers.database.query(&format!("SELECT count(*) FROM jobs {what}"))
            })
        };
        assert_eq!(count("WHERE failures > 0"), "0");
        assert_eq!(count(""), jobs.len().to_string());
        let calls = audit::finished_steps_stay_finished(&ledger::read(&self.fleet.ledger()), &logs);
        assert_eq!(calls.late, 0);
        let hand_overs = |log: &EventPage| audit::hand_overs(log).count();
        let hand_overs: usize = logs.values().map(hand_overs).sum();
        assert!(calls.repeated <= hand_overs, "{calls:?}, {hand_overs} hand-overs");
        figure("scaling, hand-overs", hand_overs);
        figure("scaling, calls of unfinished steps repeated", calls.repeated);
        figure("scaling, `assay verify`", verified(&self.fleet));
    }

    fn client(&self) -> Client {
        Client::of(self.gateway.base().trim_start_matches("http://").parse().unwrap())
    }
}

async fn submit(client: &Client) -> Job {
    let question = format!("script: delay_ms={}", CALL_MS.now("ASSAY_TEST_SCALING_CALL_MS"));
    let asking = json!({"company_name": "3M", "question": question, "timeout_s": 3_600});
    let response = client.post("/v1/analysis").json(&asking).send().await.unwrap();
    assert_eq!(response.status(), 202);
    serde_json::from_value(body(response).await).unwrap()
}
