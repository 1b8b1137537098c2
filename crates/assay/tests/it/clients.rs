//! Clients that know nothing of Assay but its contract: the examples, over connections that break,
//! and checkers of the documents that are served.

mod cutter;
mod outside;
pub(crate) mod packages;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::fleet::processes::{Fleet, Servers};
use crate::process::Server;
use cutter::Cutter;
use packages::{checkout, node_program, python};

/// A log of some length, and an answer that does not fit into its last event.
const LIVELY: &str = "script: delay_ms=200 output_bytes=20000";
/// What a client may take; `EventSource` waits 2 s before it comes back.
const CLIENT_TIME: Duration = Duration::from_secs(60);

#[tokio::test]
async fn curl_follows_a_job_over_connections_that_break() {
    if let Some(client) = curl() {
        follows(&embedded(), client).await;
    }
}

#[tokio::test]
async fn httpx_follows_a_job_over_connections_that_break() {
    if let Some(client) = httpx() {
        follows(&embedded(), client).await;
    }
}

#[tokio::test]
async fn websockets_for_python_follow_a_job_over_connections_that_break() {
    if let Some(client) = websockets() {
        follows(&embedded(), client).await;
    }
}

#[tokio::test]
async fn an_event_source_follows_a_job_over_connections_that_break() {
    if let Some((client, _folder)) = node_program("eventsource.mjs") {
        follows(&embedded(), client).await;
    }
}

#[tokio::test]
async fn a_web_socket_follows_a_job_over_connections_that_break() {
    if let Some((client, _folder)) = node_program("websocket.mjs") {
        follows(&embedded(), client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_follows_jobs_of_a_fleet() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let (gateway, _worker) = (fleet.gateway(), fleet.worker("one"));
    for client in [curl(), httpx(), websockets()].into_iter().flatten() {
        follows_from(gateway.base(), client).await;
    }
    for program in ["eventsource.mjs", "websocket.mjs"] {
        if let Some((client, _folder)) = node_program(program) {
            follows_from(gateway.base(), client).await;
        }
    }
}

/// A server of the scripted model, with the folder that it keeps.
struct Embedded {
    server: Server,
    dir: tempfile::TempDir,
}

fn embedded() -> Embedded {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &dir.path().join("ledger"));
    Embedded { server, dir }
}

async fn follows(embedded: &Embedded, client: Command) {
    follows_from(embedded.server.base(), client).await;
}

/// Holds a client to the contract: it sees every event once and in order, though its streams are
/// cut, and then the answer.
async fn follows_from(base: &str, mut client: Command) {
    let cutter = Cutter::before(base).await;
    client.arg(cutter.base()).args(["3M", LIVELY]);
    client.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(CLIENT_TIME, client.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{client:?}: {said}");
    let versions: Vec<u64> = said.lines().filter_map(version).collect();
    assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>(), "{client:?}: {said}");
    assert!(said.contains("job.succeeded"), "{client:?}: {said}");
    assert!(cutter.cuts() > 0, "{client:?}: no stream was cut");
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(answer.starts_with("Every scripted question has the same answer"), "{answer}");
}

/// The version in a line such as `7 step.started`.
fn version(line: &str) -> Option<u64> {
    let (version, kind) = line.split_once(' ')?;
    kind.contains('.').then(|| version.parse().ok())?
}

fn curl() -> Option<Command> {
    let missing: BTreeSet<&str> =
        ["curl", "jq"].into_iter().filter(|program| !packages::is_on_path(program)).collect();
    if !missing.is_empty() {
        testkit::skip(&format!("not installed: {missing:?}"));
        return None;
    }
    Some(Command::new(checkout("examples/clients/curl/follow.sh")))
}

fn httpx() -> Option<Command> {
    python_client("follow_sse.py")
}

fn websockets() -> Option<Command> {
    python_client("follow_websocket.py")
}

fn python_client(program: &str) -> Option<Command> {
    let mut command = python("clients-python", "examples/clients/python")?;
    command.arg(checkout(Path::new("examples/clients/python").join(program)));
    Some(command)
}
