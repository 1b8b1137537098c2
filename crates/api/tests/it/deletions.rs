//! Deleting jobs, as clients and readers see it.

use reqwest::Method;
use serde_json::json;

use crate::server::{Server, body, problem, question};
use crate::store::Fault;
use crate::websocket::{self, Said};

#[tokio::test]
async fn a_deleted_job_is_gone_for_every_call_and_for_its_key() {
    let server = Server::start().await;
    let post = || server.post("/v1/analysis").header("idempotency-key", "k").json(&question());
    let job = body(post().send().await.unwrap()).await;
    let path = format!("/v1/analysis/{}", job["id"].as_str().unwrap());
    server.post(&format!("{path}/cancel")).send().await.unwrap();
    let deleted = server.delete(&path).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(deleted.text().await.unwrap(), "");
    for request in [
        server.get(&path),
        server.get(&format!("{path}?after_version=1&wait=60")),
        server.get(&format!("{path}/events")),
        server.get(&format!("{path}/events")).header("accept", "text/event-stream"),
        server.post(&format!("{path}/cancel")),
        server.post(&format!("{path}/retry")),
        server.delete(&path),
        post(),
    ] {
        let problem = problem(request.send().await.unwrap()).await;
        assert_eq!((&problem["code"], &problem["status"]), (&json!("gone"), &json!(410)));
    }
    let listed = body(server.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(listed["jobs"], json!([]));
}

#[tokio::test]
async fn only_a_job_that_has_ended_is_deleted() {
    let server = Server::start().await;
    let id = server.submit().await;
    let path = format!("/v1/analysis/{id}");
    let refused = problem(server.delete(&path).send().await.unwrap()).await;
    assert_eq!((&refused["code"], &refused["status"]), (&json!("job_not_terminal"), &json!(409)));
    assert_eq!(refused["job"]["state"], "queued");
    for unknown in [format!("/v1/analysis/{}", contracts::JobId::new()), "/v1/analysis/x".into()] {
        let refused = problem(server.delete(&unknown).send().await.unwrap()).await;
        assert_eq!(refused["code"], "not_found");
    }
    let refused = problem(server.delete(&format!("{path}?force=1")).send().await.unwrap()).await;
    assert_eq!(refused["status"], 400);
    server.store.fail_with(Fault::OutcomeUnknown);
    let refused = problem(server.delete(&path).send().await.unwrap()).await;
    assert_eq!(refused["code"], "outcome_unknown");
}

#[tokio::test]
async fn readers_of_a_deleted_job_are_told() {
    let server = Server::start().await;
    let id = server.submit().await;
    let path = format!("/v1/analysis/{id}");
    let mut socket = websocket::open(&server, &path).await;
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    assert_eq!(websocket::next_json(&mut socket).await["type"], "job.created");
    let request = server.get(&format!("{path}/events")).header("accept", "text/event-stream");
    let events = request.send().await.unwrap();
    // Nobody learns of the end: the store is out until the job is deleted.
    server.store.fail_with(Fault::Unavailable);
    server.store.start(id);
    server.store.fail(id);
    server.store.forget(id);
    server.store.fail_with(Fault::None);
    let frame = websocket::next_json(&mut socket).await;
    assert_eq!(frame["type"], "stream.error");
    assert_eq!(
        (&frame["problem"]["code"], &frame["problem"]["status"]),
        (&json!("gone"), &json!(410))
    );
    assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4410)));
    let text = events.text().await.unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(
        last.starts_with("data: {\"type\":\"stream.error\"") && last.contains("gone"),
        "{text}"
    );
    let mut again = websocket::open(&server, &path).await;
    assert_eq!(websocket::next_json(&mut again).await["problem"]["code"], "gone");
    assert_eq!(websocket::next(&mut again).await, Said::Closed(Some(4410)));
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_ask_to_delete() {
    let origins = api::Origins::and(["https://app.example".to_owned()]);
    let server = Server::with(api::Settings { origins, ..api::Settings::default() }).await;
    let url = format!("http://{}/v1/analysis/x", server.authority);
    let request = server.client.request(Method::OPTIONS, url);
    let request = request.header("origin", "https://app.example");
    let answer = request.header("access-control-request-method", "DELETE").send().await.unwrap();
    let allowed = crate::server::header(&answer, "access-control-allow-methods");
    assert!(allowed.contains("DELETE"), "{allowed}");
}
