//! The fleet, and how its processes are replaced one at a time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use testkit::loopback;
use tokio::task::block_in_place;

use super::service::Service;
use super::submitters::Load;
use super::{GATEWAYS, WORKERS};
use crate::fleet::now;
use crate::fleet::processes::{Fleet, Servers};
use crate::process::{PATIENCE, Server, Worker};

/// Which release a process is of.
#[derive(Debug, Clone)]
pub(super) enum Release {
    This,
    /// The one of this program.
    Other(PathBuf),
}

/// A fleet whose processes are replaced.
pub(super) struct Rollout<'a> {
    pub(super) fleet: Fleet,
    pub(super) service: Arc<Service>,
    /// When workers were told to stop, since the Unix epoch.
    pub(super) told: Vec<Duration>,
    servers: &'a Servers<'a>,
    addresses: [SocketAddr; GATEWAYS],
    gateways: [Option<Server>; GATEWAYS],
    workers: [Option<Worker>; WORKERS],
}

impl<'a> Rollout<'a> {
    /// Starts all processes, of this release.
    pub(super) fn start(servers: &'a Servers<'a>) -> Self {
        let fleet = Fleet::with_tools(servers);
        let addresses = loopback::addresses();
        Self {
            service: Arc::new(Service::at(addresses)),
            told: Vec::new(),
            servers,
            addresses,
            gateways: addresses.map(|address| Some(fleet.gateway_at(address))),
            workers: std::array::from_fn(|n| Some(Worker::of(worker_command(&fleet, n)))),
            fleet,
        }
    }

    /// The gateways, all of which are up.
    pub(super) fn gateways(&self) -> [&Server; GATEWAYS] {
        self.gateways.each_ref().map(|gateway| gateway.as_ref().unwrap())
    }

    /// Replaces each process, gateways and workers in turn, while jobs keep coming.
    pub(super) async fn replace_all_by(&mut self, release: &Release, load: &Load) {
        let program = match release {
            Release::This => Path::new(env!("CARGO_BIN_EXE_assay")),
            Release::Other(program) => program,
        };
        self.fleet.use_program(program);
        for n in 0..WORKERS {
            if let Some(gateway) = (n < GATEWAYS).then_some(n) {
                self.replace_gateway(gateway).await;
                load.until_more_are_accepted().await;
            }
            self.replace_worker(n).await;
            load.until_more_are_accepted().await;
        }
        let workers = self.workers.iter().flatten().map(|worker| worker.child.id());
        for pid in self.gateways.iter().flatten().map(Server::pid).chain(workers) {
            let runs = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
            assert_eq!(runs, program.canonicalize().unwrap());
        }
    }

    async fn replace_gateway(&mut self, n: usize) {
        self.service.changed(n);
        let command = || self.fleet.gateway_command(&self.addresses[n].to_string());
        block_in_place(|| {
            let (ended_well, _) = self.gateways[n].take().unwrap().terminate();
            assert!(ended_well, "a gateway that is told to stop ends well");
            self.gateways[n] = Some(Server::of(command()));
        });
        let client = self.service.client(n);
        let is_ready = async || {
            let response = client.get("/readyz").send().await.ok()?;
            response.status().is_success().then_some(())
        };
        testkit::eventually(PATIENCE, is_ready).await;
        self.service.changed(n);
    }

    async fn replace_worker(&mut self, n: usize) {
        self.told.push(now());
        let terminated = block_in_place(|| self.workers[n].take().unwrap().terminate());
        assert!(terminated, "a worker that is told to stop ends well");
        self.until_alive(WORKERS - 1).await;
        self.workers[n] = Some(block_in_place(|| Worker::of(worker_command(&self.fleet, n))));
        self.until_alive(WORKERS).await;
    }

    /// Waits until so many workers hold a lease.
    async fn until_alive(&self, workers: usize) {
        let alive = async || {
            let count = || self.servers.database.query("SELECT count(*) FROM workers");
            (block_in_place(count) == workers.to_string()).then_some(())
        };
        testkit::eventually(PATIENCE, alive).await;
    }
}

/// A worker that hands over at once what it runs when it ends, so that there is something to hand
/// over, and that has room for what another one leaves.
fn worker_command(fleet: &Fleet, n: usize) -> Command {
    let mut command = fleet.worker_command(&format!("worker-{n}"));
    command.env("ASSAY_DRAIN_GRACE_S", "0").env("ASSAY_SLOTS", "16");
    command
}
