//! A fleet goes on while everything around it is broken: workers and gateways are killed, the
//! broker is restarted and forgets everything, the database is restarted and killed, connections
//! are cut. Clients do what clients do: they send again under one key, and come back with their
//! cursor.

mod clients;
mod schedule;
mod subscribers;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use contracts::Job;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use serde_json::Value;
use testkit::proof::{self, Length, figure};
use testkit::servers::Postgres;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::audit::Logs;
use super::processes::{Fleet, Servers};
use super::{audit, verified};
use crate::client::Client;
use crate::ledger;
use clients::Accepted;
use schedule::{Size, schedule};
use subscribers::{Transcript, Transport};
use world::World;

const GATEWAYS: usize = 2;
const WORKERS: usize = 3;
/// Clients that submit side by side.
const CLIENTS: usize = 4;

const JOBS: Length = Length { short: 300, long: 2_000 };
const KILLS: Length = Length { short: 10, long: 60 };
const ROUNDS: Length = Length { short: 1, long: 4 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_accepted_job_ends_once_and_every_stream_is_its_log_whatever_breaks() {
    let Some(postgres) = Postgres::own() else { return };
    let Some((servers, broker)) = Servers::alone_on(&postgres).await else { return };
    let began = Instant::now();
    let seed = proof::seed();
    let mut random = SmallRng::seed_from_u64(seed);
    let jobs = JOBS.now("ASSAY_TEST_CHAOS_JOBS");
    let kills = KILLS.now("ASSAY_TEST_CHAOS_KILLS");
    let size = Size { kills, rounds: ROUNDS.now("ASSAY_TEST_CHAOS_ROUNDS") };

    let fleet = Fleet::new(&servers);
    let mut world = World::start(&fleet, &servers, &postgres, &broker);
    let acts = schedule(&mut random, size);
    let load = Load::new(jobs, world.clients());
    let clients = load.clone().start(seed);
    let faults = acts.len() - kills;
    // The submissions are spread over the acts, so that each act meets jobs of every age.
    for (n, (pause, act)) in acts.iter().enumerate() {
        load.admit_up_to(jobs * (n + 1) / acts.len());
        tokio::time::sleep(*pause).await;
        world.perform(*act).await;
    }
    world.heal().await;
    let (accepted, transcripts) = clients.finish().await;

    let all: Vec<Job> = accepted.iter().map(|accepted| accepted.job.clone()).collect();
    let [first, second] = world.gateways();
    let logs = audit::ended_once(first, &all).await;
    for job in &all {
        assert_eq!(second.events(job).await, logs[&job.id.to_string()]);
    }
    transcripts_are_logs(&transcripts, &logs);
    let calls = audit::finished_steps_stay_finished(&ledger::read(&fleet.ledger()), &logs);
    let in_database = servers.database.query("SELECT count(*) FROM jobs");
    assert_eq!(in_database, jobs.to_string(), "a submission that was sent again made another job");

    let sum = |of: fn(&Accepted) -> usize| accepted.iter().map(of).sum::<usize>();
    let connections: usize = transcripts.iter().map(|transcript| transcript.connections).sum();
    figure("chaos, seed", seed);
    figure("chaos, jobs that ended once and well", jobs);
    figure("chaos, workers killed", kills);
    figure("chaos, other faults", faults);
    figure("chaos, submissions sent again", sum(|accepted| accepted.resent));
    figure("chaos, attempts that lost their worker", audit::lost_leases(&logs));
    figure("chaos, calls of steps", calls.made);
    figure("chaos, calls of unfinished steps repeated", calls.repeated);
    figure("chaos, calls of finished steps by workers that did not know", calls.late);
    figure("chaos, subscribers whose transcript was the log", transcripts.len());
    figure("chaos, their connections", connections);
    figure("chaos, `assay verify`", verified(&fleet));
    figure("chaos, seconds", began.elapsed().as_secs());
}

/// Asserts that every subscriber was shown exactly the log.
fn transcripts_are_logs(transcripts: &[Transcript], logs: &Logs) {
    for Transcript { job, events, .. } in transcripts {
        let log = &logs[&job.id.to_string()];
        assert_eq!(Value::from(events.clone()), serde_json::to_value(&log.events).unwrap());
    }
}

/// Submissions, and those who follow some of them.
#[derive(Clone)]
struct Load {
    jobs: usize,
    /// One in so many jobs is followed.
    followed: usize,
    clients: [Client; GATEWAYS],
    next: Arc<AtomicUsize>,
    admitted: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

/// Clients that are submitting.
struct Submitting {
    clients: JoinSet<(Vec<Accepted>, JoinSet<Transcript>)>,
}

impl Load {
    fn new(jobs: usize, clients: [Client; GATEWAYS]) -> Self {
        let (next, admitted) = (Arc::default(), Arc::default());
        Self { jobs, followed: 10, clients, next, admitted, permits: Arc::new(Semaphore::new(0)) }
    }

    /// Lets so many jobs be submitted in all.
    fn admit_up_to(&self, jobs: usize) {
        let before = self.admitted.swap(jobs, Ordering::Relaxed);
        self.permits.add_permits(jobs - before);
    }

    fn start(self, seed: u64) -> Submitting {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let random = SmallRng::seed_from_u64(seed.wrapping_add(client as u64 + 1));
            clients.spawn(self.clone().submit(random));
        }
        Submitting { clients }
    }

    async fn submit(self, mut random: SmallRng) -> (Vec<Accepted>, JoinSet<Transcript>) {
        let (mut accepted, mut followers) = (Vec::new(), JoinSet::new());
        loop {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            if n >= self.jobs {
                return (accepted, followers);
            }
            self.permits.acquire().await.unwrap().forget();
            let one = clients::submit(&self.clients, &mut random, n).await;
            if n.is_multiple_of(self.followed) {
                let transports = [Transport::EventStream, Transport::WebSocket];
                let which = n / self.followed;
                let transport = transports[which % transports.len()];
                let first = which / transports.len();
                let job = one.job.clone();
                followers.spawn(subscribers::follow(self.clients.clone(), job, first, transport));
            }
            accepted.push(one);
        }
    }
}

impl Submitting {
    /// What was accepted, and what the followers were shown, once all is over.
    async fn finish(self) -> (Vec<Accepted>, Vec<Transcript>) {
        let (mut accepted, mut transcripts) = (Vec::new(), Vec::new());
        for (some, followers) in self.clients.join_all().await {
            accepted.extend(some);
            transcripts.extend(followers.join_all().await);
        }
        (accepted, transcripts)
    }
}
