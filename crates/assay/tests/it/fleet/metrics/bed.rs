//! A fleet that is looked at.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use testkit::loopback;
use testkit::provider::{Reply, Request, ScriptedProvider};

use super::super::processes::{Fleet, Servers};
use super::scrape::Scrape;
use crate::process::{PATIENCE, Server, Worker};

/// What the provider's model answers; the scripted passage supports it.
const ANSWER: &str = "Every scripted question has the same answer, and this is it [1].";

/// A process's own address for those who look after it.
fn looked_after(mut command: Command) -> (Command, SocketAddr) {
    let [address] = loopback::addresses();
    command.env("ASSAY_ADMIN_LISTEN", address.to_string());
    (command, address)
}

/// A gateway and a worker, and where they tell of themselves.
pub(super) struct Bed {
    pub(super) gateway: Server,
    pub(super) worker: Worker,
    /// Of the gateway and of the worker.
    pub(super) processes: [SocketAddr; 2],
    _provider: Option<ScriptedProvider>,
    _fleet: Fleet,
}

impl Bed {
    /// With a provider's model, and a tool.
    pub(super) async fn start(servers: &Servers<'_>) -> Self {
        let reply = |_: usize, request: &Request| match request.json()["model"].as_str() {
            Some("babbles") => Reply::openai("It was 17, as everybody knows."),
            _ => Reply::openai(ANSWER),
        };
        let provider = ScriptedProvider::start(reply);
        let model = |name: &str| {
            format!(
                "[models.{name}]\nkind = \"openai\"\nbase_url = \"{}/v1\"\nmodel = \"{name}\"\n\
                 input_usd_per_million = 10000\noutput_usd_per_million = 100000\n",
                provider.url()
            )
        };
        let config = ["[tools.calculator]\n".to_owned(), model("answers"), model("babbles")];
        Self::of(Fleet::with_config(servers, config.concat()), Some(provider))
    }

    pub(super) fn of(fleet: Fleet, provider: Option<ScriptedProvider>) -> Self {
        let (gateway, first) = looked_after(fleet.gateway_command("127.0.0.1:0"));
        let (worker, second) = looked_after(fleet.worker_command("one"));
        Self {
            gateway: Server::of(gateway),
            worker: Worker::of(worker),
            processes: [first, second],
            _provider: provider,
            _fleet: fleet,
        }
    }

    pub(super) async fn scrape(&self) -> Scrape {
        Scrape::of(&self.processes).await
    }

    /// Waits until a metric has this value in the fleet.
    pub(super) async fn until(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        let mut found = None;
        let reached = async {
            loop {
                found = self.scrape().await.sum(name, labels);
                if found.is_some_and(|found| (found - expected).abs() < 1e-6) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{name} {labels:?} is {found:?}, not {expected}");
    }
}
