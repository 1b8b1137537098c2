//! Tickets, as whoever shows one sees them.

use contracts::{JobId, TenantId, TicketJob, Timestamp};
use engine::ticket::{Grant, TicketKey};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::other_ports::TICKET_KEY;
use crate::server::{Server, body, header, problem};
use crate::store::Fault;
use crate::websocket::{self, Said};

#[tokio::test]
async fn a_ticket_reads_its_jobs_and_nothing_else() {
    let server = Server::start().await;
    let (id, other) = (server.submit().await, server.submit().await);
    let issued = server.post(&format!("/v1/analysis/{id}/tickets")).send().await.unwrap();
    assert_eq!((issued.status().as_u16(), header(&issued, "cache-control")), (201, "no-store"));
    let issued = body(issued).await;
    assert_eq!(issued["jobs"][0]["job_id"], id.to_string());
    let ticket = issued["ticket"].as_str().unwrap();

    let with = |path: String| {
        let sign = if path.contains('?') { '&' } else { '?' };
        server.get(&format!("{path}{sign}ticket={ticket}"))
    };
    for path in ["", "?after_version=0&wait=1", "/events", "/events?after=1&limit=2"] {
        let read = with(format!("/v1/analysis/{id}{path}")).send().await.unwrap();
        assert_eq!(read.status(), 200, "{path}");
    }
    let stream = with(format!("/v1/analysis/{id}/events")).header("accept", "text/event-stream");
    assert_eq!(header(&stream.send().await.unwrap(), "content-type"), "text/event-stream");

    for foreign in [other, JobId::new()] {
        let refused = with(format!("/v1/analysis/{foreign}")).send().await.unwrap();
        assert_eq!(problem(refused).await["code"], "forbidden");
    }
    for refused in [
        with("/v1/analysis".to_owned()),
        with("/v1/limits".to_owned()),
        server.post(&format!("/v1/analysis/{id}/cancel?ticket={ticket}")),
        server.post(&format!("/v1/analysis/{id}/tickets?ticket={ticket}")),
        server.delete(&format!("/v1/analysis/{id}?ticket={ticket}")),
    ] {
        let refused = problem(refused.send().await.unwrap()).await;
        assert_eq!((&refused["code"], &refused["status"]), (&json!("forbidden"), &json!(403)));
    }
    assert_eq!(body(with(format!("/v1/analysis/{id}")).send().await.unwrap()).await["version"], 1);
}

#[tokio::test]
async fn a_ticket_outlives_its_job_by_five_minutes() {
    let server = Server::start().await;
    let (running, ended) = (server.submit().await, server.ended_job(4).await);
    let request = server.post("/v1/tickets").json(&json!({"jobs": [running, ended, running]}));
    let issued = body(request.send().await.unwrap()).await;
    assert_eq!(issued["jobs"].as_array().unwrap().len(), 2, "each job once");
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap().as_millis();
    let job = body(server.get(&format!("/v1/analysis/{running}")).send().await.unwrap()).await;
    let until = time(&issued["jobs"][0]["expires_at"]);
    assert_eq!(until, time(&job["deadline_at"]) + 300_000);
    let job = body(server.get(&format!("/v1/analysis/{ended}")).send().await.unwrap()).await;
    let until = time(&issued["jobs"][1]["expires_at"]) - time(&job["finished_at"]);
    assert!((300_000..360_000).contains(&until), "{until}");
}

#[tokio::test]
async fn a_ticket_is_issued_only_for_jobs_that_are_there() {
    let server = Server::start().await;
    let (id, gone) = (server.submit().await, server.ended_job(4).await);
    server.delete(&format!("/v1/analysis/{gone}")).send().await.unwrap();
    let request = server.post("/v1/tickets").json(&json!({"jobs": [id, JobId::new(), gone]}));
    let refused = problem(request.send().await.unwrap()).await;
    assert_eq!(refused["code"], "not_found");
    let pointers: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/jobs/1", "/jobs/2"]);
    for (path, code) in [
        (format!("/v1/analysis/{gone}/tickets"), "gone"),
        (format!("/v1/analysis/{}/tickets", JobId::new()), "not_found"),
        ("/v1/analysis/x/tickets".to_owned(), "not_found"),
    ] {
        assert_eq!(problem(server.post(&path).send().await.unwrap()).await["code"], code);
    }
    let empty = server.post("/v1/tickets").json(&json!({"jobs": []})).send().await.unwrap();
    assert_eq!(problem(empty).await["errors"][0]["pointer"], "/jobs");
}

#[tokio::test]
async fn a_wrong_or_expired_ticket_is_worse_than_none() {
    let server = Server::start().await;
    let id = server.submit().await;
    let good = ticket(TICKET_KEY, id, i64::MAX / 2);
    for wrong in [
        ticket(TICKET_KEY, id, 1),
        ticket([8; 32], id, i64::MAX / 2),
        good[1..].to_owned(),
        "x".to_owned(),
        String::new(),
    ] {
        let path = format!("/v1/analysis/{id}?ticket={wrong}");
        let refused = server.get(&path).send().await.unwrap();
        assert_eq!(header(&refused, "www-authenticate"), "Bearer");
        assert_eq!(problem(refused).await["code"], "unauthorized", "{wrong}");
        let mut socket = websocket::open(&server, &path).await;
        assert_eq!(websocket::next_json(&mut socket).await["problem"]["code"], "unauthorized");
        assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4401)));
    }
    let foreign = ticket(TICKET_KEY, JobId::new(), i64::MAX / 2);
    let mut socket = websocket::open(&server, &format!("/v1/analysis/{id}?ticket={foreign}")).await;
    assert_eq!(websocket::next_json(&mut socket).await["problem"]["code"], "forbidden");
    assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4403)));
    let twice = format!("/v1/analysis/{id}?ticket={good}&ticket={good}");
    assert_eq!(problem(server.get(&twice).send().await.unwrap()).await["status"], 400);
    server.store.fail_with(Fault::Unavailable);
    let unread = server.get(&format!("/v1/analysis/{id}?ticket={good}")).send().await.unwrap();
    assert_eq!(problem(unread).await["code"], "capacity_reduced");
}

#[tokio::test]
async fn a_ticket_can_be_a_subprotocol_and_is_never_answered() {
    let server = Server::start().await;
    let id = server.submit().await;
    for (ticket, says) in [
        (ticket(TICKET_KEY, id, i64::MAX / 2), "stream.ready"),
        (ticket([8; 32], id, i64::MAX / 2), "stream.error"),
    ] {
        let url = format!("ws://{}/v1/analysis/{id}", server.authority);
        let mut request = url.into_client_request().unwrap();
        let offers = format!("assay.v1, assay.ticket.{ticket}");
        request.headers_mut().insert("sec-websocket-protocol", offers.parse().unwrap());
        let (mut socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "assay.v1");
        assert!(!format!("{:?}", response.headers()).contains(&ticket));
        assert_eq!(websocket::next_json(&mut socket).await["type"], says);
    }
}

/// A ticket for one job until this time, in milliseconds.
pub(crate) fn ticket(key: [u8; 32], id: JobId, until_ms: i64) -> String {
    let expires_at = Timestamp::from_millis(until_ms);
    let jobs = vec![TicketJob { job_id: id, expires_at }];
    TicketKey::new(key).sign(&Grant { tenant: TenantId::default_tenant(), jobs })
}
