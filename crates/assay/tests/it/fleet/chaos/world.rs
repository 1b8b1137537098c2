//! The fleet and its servers, and what is done to them.

use std::net::SocketAddr;

use testkit::loopback;
use testkit::servers::Postgres;
use testkit::servers::rabbitmq::RabbitMq;
use tokio::task::block_in_place;

use super::schedule::Act;
use super::{GATEWAYS, WORKERS};
use crate::client::Client;
use crate::fleet::HINTS;
use crate::fleet::processes::{Fleet, Servers};
use crate::process::{PATIENCE, Server, Worker};

/// A job may be lost with this many workers in a row. Once more, and it is held to be what kills
/// them.
const CRASHES_MAX: u32 = 2;

/// Everything that a test breaks.
pub(super) struct World<'a> {
    fleet: &'a Fleet,
    servers: &'a Servers<'a>,
    postgres: &'a Postgres,
    broker: &'a RabbitMq,
    addresses: [SocketAddr; GATEWAYS],
    gateways: [Option<Server>; GATEWAYS],
    workers: [Option<Worker>; WORKERS],
    database: Database,
    /// Kills that wait until no job would be given up for them.
    postponed: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Up,
    /// While it is down no job's count of crashes grows.
    Down {
        had_suspects: bool,
    },
}

impl<'a> World<'a> {
    /// Starts the processes.
    pub(super) fn start(
        fleet: &'a Fleet,
        servers: &'a Servers<'a>,
        postgres: &'a Postgres,
        broker: &'a RabbitMq,
    ) -> Self {
        let addresses = loopback::addresses();
        Self {
            fleet,
            servers,
            postgres,
            broker,
            addresses,
            gateways: addresses.map(|address| Some(fleet.gateway_at(address))),
            workers: std::array::from_fn(|n| Some(fleet.worker(&name(n)))),
            database: Database::Up,
            postponed: Vec::new(),
        }
    }

    /// Clients of the gateways, which come back at the same addresses.
    pub(super) fn clients(&self) -> [Client; GATEWAYS] {
        self.addresses.map(Client::of)
    }

    /// The gateways, all of which are up.
    pub(super) fn gateways(&self) -> [&Server; GATEWAYS] {
        self.gateways.each_ref().map(|gateway| gateway.as_ref().unwrap())
    }

    /// Breaks something. Processes that were killed before are started, as whatever looks after
    /// them would do.
    pub(super) async fn perform(&mut self, act: Act) {
        self.revive();
        match act {
            Act::KillWorker(n) => self.kill_worker(n).await,
            Act::KillGateway(n) => drop(self.gateways[n].take()),
            Act::StopBroker => self.broker.stop().await,
            Act::KillBroker => self.broker.kill().await,
            Act::StartBroker => self.broker.start().await,
            Act::ResetBroker => self.reset_broker().await,
            Act::DeleteQueues => self.delete_queues().await,
            Act::CloseBrokerConnections => self.servers.host.close_connections().await,
            Act::CutBrokerConnections => self.servers.host.cut_connections().await,
            Act::StopDatabase => self.end_database(Postgres::stop),
            Act::KillDatabase => self.end_database(Postgres::kill),
            Act::StartDatabase => self.start_database().await,
            Act::CutDatabaseConnections => {
                block_in_place(|| self.servers.database.cut_connections());
            }
        }
    }

    /// Starts what is down, until nothing is.
    pub(super) async fn heal(&mut self) {
        let is_whole = |world: &Self| {
            world.gateways.iter().all(Option::is_some) && world.workers.iter().all(Option::is_some)
        };
        let end = tokio::time::Instant::now() + PATIENCE;
        while !is_whole(self) {
            assert!(tokio::time::Instant::now() < end, "the processes cannot be started");
            self.revive();
        }
    }

    /// Starts the processes that are down. One that finds no database ends again.
    fn revive(&mut self) {
        block_in_place(|| {
            for (n, gateway) in self.gateways.iter_mut().enumerate() {
                let command = || self.fleet.gateway_command(&self.addresses[n].to_string());
                *gateway = gateway.take().or_else(|| Server::try_of(command()));
            }
            for (n, worker) in self.workers.iter_mut().enumerate() {
                // One that has ended by itself is a worker that is down.
                worker.take_if(|worker| worker.exit_code().is_some());
                let command = || self.fleet.worker_command(&name(n));
                *worker = worker.take().or_else(|| Worker::try_of(command()));
            }
        });
    }

    /// SIGKILL, which is how a process is dropped here.
    async fn kill_worker(&mut self, n: usize) {
        match self.database {
            Database::Down { had_suspects: true } => self.postponed.push(n),
            Database::Down { had_suspects: false } => drop(self.workers[n].take()),
            Database::Up => {
                let cleared = async || (!self.has_suspects()).then_some(());
                testkit::eventually(PATIENCE, cleared).await;
                drop(self.workers[n].take());
            }
        }
    }

    /// Whether a job would be given up if it lost its worker once more. Killing from outside must
    /// not make it look like the job's own doing.
    fn has_suspects(&self) -> bool {
        let question = format!(
            "SELECT EXISTS (SELECT FROM jobs WHERE crash_count >= {CRASHES_MAX} \
             AND state IN ('queued', 'running', 'retrying'))"
        );
        block_in_place(|| self.servers.database.query(&question)) == "t"
    }

    /// The broker comes back as an operator brings it back who has its virtual hosts and users
    /// written down.
    async fn reset_broker(&self) {
        self.broker.stop_app().await;
        self.broker.reset().await;
        self.broker.start_app().await;
        self.servers.host.make_again().await;
    }

    /// Deletes the queue of hints, once somebody has declared it, and those of the gateways' news.
    async fn delete_queues(&self) {
        let is_there = async || self.servers.host.depth(HINTS).await;
        testkit::eventually(PATIENCE, is_there).await;
        self.servers.host.delete_queues().await;
    }

    fn end_database(&mut self, end: fn(&Postgres)) {
        self.database = Database::Down { had_suspects: self.has_suspects() };
        block_in_place(|| end(self.postgres));
    }

    async fn start_database(&mut self) {
        block_in_place(|| self.postgres.start());
        self.database = Database::Up;
        for n in std::mem::take(&mut self.postponed) {
            self.revive();
            self.kill_worker(n).await;
        }
    }
}

fn name(worker: usize) -> String {
    format!("worker-{worker}")
}
