//! A store that fails, and a client that leaves.

use std::sync::atomic::Ordering;

use api::Settings;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{DEADLINE, Server, problem, question};
use crate::store::{Fault, Gate, MemoryStore};

#[tokio::test]
async fn a_failing_store_is_told_apart_by_what_the_client_can_do() {
    let server = Server::start().await;
    for (fault, status, code, retryable) in [
        (Fault::Unavailable, 503, "capacity_reduced", serde_json::json!(true)),
        (Fault::OutcomeUnknown, 503, "outcome_unknown", serde_json::json!(null)),
        (Fault::Rejected, 500, "internal", serde_json::json!(false)),
    ] {
        server.store.fail_with(fault);
        let response = server.post("/v1/analysis").json(&question()).send().await.unwrap();
        let problem = problem(response).await;
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()));
        assert_eq!(problem["retryable"], retryable);
    }
}

#[tokio::test]
async fn a_gateway_without_its_store_is_not_ready() {
    let server = Server::start().await;
    assert_eq!(server.get("/readyz").send().await.unwrap().status(), 200);
    server.store.fail_with(Fault::Unavailable);
    let response = server.get("/readyz").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(crate::server::body(response).await["failing"], "store");
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_changes_state_is_finished_though_the_client_leaves() {
    let mut store = MemoryStore::new(true);
    store.gate = Some(Gate::default());
    let server = Server::over(store, Settings::default()).await;
    let gate = server.store.gate.as_ref().unwrap();
    let id = server.submit().await;
    let mut connection = TcpStream::connect(&server.authority).await.unwrap();
    let request = format!("POST /v1/analysis/{id}/cancel HTTP/1.1\r\nhost: x\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    timeout(DEADLINE, gate.entered.notified()).await.unwrap();
    drop(connection);
    // A later request on the same thread is answered: by then the server has seen the client go.
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    gate.open.notify_one();
    let path = format!("/v1/analysis/{id}?after_version=1&wait=20");
    let job = crate::server::body(server.get(&path).send().await.unwrap()).await;
    assert_eq!(job["state"], "cancelled");
    assert_eq!(gate.passed.load(Ordering::SeqCst), 1);
}
