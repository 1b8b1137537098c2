//! Tickets.

use serde_json::json;

use crate::client::{body, problem};
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
