//! Tickets.

use std::process::Command;

use serde_json::json;

use crate::client::{Client, body, problem};
#[cfg(feature = "fleet")]
use crate::fleet::processes::{Fleet, Servers};
use crate::process::Server;
use crate::system::{Bus, System, start_where};
use crate::websocket;

#[tokio::test]
async fn a_ticket_is_good_over_a_restart_and_at_no_other_system() {
    let (system, dir) = start_where(Bus::Delivers).await;
    let path = system.client.submit("What is the answer?").await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let issued = system.client.post("/v1/tickets").json(&json!({"jobs": [id]}));
    let issued = issued.send().await.unwrap();
    assert_eq!(issued.status(), 201);
    let ticket = body(issued).await["ticket"].as_str().unwrap().to_owned();
    system.client.ended(&path).await;
    let log = system.client.log(&path).await;
    system.stop().await;

    let system = System::start(dir.path(), Bus::Delivers).await;
    let mut socket = websocket::open(&system.client, &format!("{path}?ticket={ticket}")).await;
    let (frames, code) = socket.transcript().await;
    assert_eq!((&frames[1..], code), (&log[..], 1000));
    let (other, _other_dir) = start_where(Bus::Delivers).await;
    let foreign = other.client.get(&format!("{path}?ticket={ticket}")).send().await.unwrap();
    let (status, refused) = problem(foreign).await;
    assert_eq!((status, &refused["code"]), (401, &json!("unauthorized")));
    other.stop().await;
    system.stop().await;
}

#[tokio::test]
async fn a_ticket_is_in_no_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    // The shell gives the log away and becomes the server.
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2> \"$ASSAY_TEST_LOG\"", env!("CARGO_BIN_EXE_assay")])
        .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path().join("data"))
        .env("ASSAY_TEST_LOG", &log)
        .env("ASSAY_MODEL", "scripted")
        .env("ASSAY_LOG", "trace");
    let server = Server::of(command);
    let client = Client::of(server.base().trim_start_matches("http://").parse().unwrap());
    let path = client.submit("What is the answer?").await;
    let issued = body(client.post(&format!("{path}/tickets")).send().await.unwrap()).await;
    let ticket = issued["ticket"].as_str().unwrap();
    for shown in [ticket.to_owned(), format!("x{ticket}")] {
        client.get(&format!("{path}?ticket={shown}")).send().await.unwrap();
        websocket::open(&client, &format!("{path}?ticket={shown}")).await.transcript().await;
        let offer = format!("assay.v1, assay.ticket.{shown}");
        client.get(&path).header("sec-websocket-protocol", offer).send().await.unwrap();
    }
    let (ended_well, _) = server.terminate();
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(ended_well && logged.contains("answered"), "it logs at all");
    assert!(!logged.contains(&ticket[1..]), "a ticket is in the log");
}

#[cfg(feature = "fleet")]
#[tokio::test(flavor = "multi_thread")]
async fn what_one_gateway_did_every_other_keeps_to() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateways = [fleet.gateway(), fleet.gateway()];
    let [first, second] = gateways
        .each_ref()
        .map(|gateway| Client::of(gateway.base().trim_start_matches("http://").parse().unwrap()));
    let path = first.submit("What is the answer?").await;
    let issued = body(first.post(&format!("{path}/tickets")).send().await.unwrap()).await;
    let ticket = issued["ticket"].as_str().unwrap();
    let read = second.get(&format!("{path}?ticket={ticket}")).send().await.unwrap();
    assert_eq!(body(read).await["state"], "queued");
    let wrong = second.get(&format!("{path}?ticket=x{ticket}")).send().await.unwrap();
    assert_eq!(problem(wrong).await.0, 401);

    first.post(&format!("{path}/cancel")).send().await.unwrap();
    assert_eq!(second.delete(&path).send().await.unwrap().status(), 204);
    let gone = first.get(&format!("{path}?ticket={ticket}")).send().await.unwrap();
    assert_eq!(problem(gone).await.0, 410);
}
