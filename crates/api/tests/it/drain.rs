//! The end of a gateway.

use std::time::{Duration, Instant};

use api::Settings;

use crate::server::{Server, body, header, question};
use crate::{sse, websocket};

#[tokio::test]
async fn a_draining_gateway_closes_streams_with_their_cursors() {
    let server = Server::start().await;
    let id = server.submit().await;
    let mut socket = websocket::open(&server, &format!("/v1/analysis/{id}")).await;
    let mut stream = sse::Reader::new(sse::open(&server, id, None, "").await);
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    assert_eq!(websocket::next_json(&mut socket).await["type"], "job.created");
    while stream.next().await.unwrap().id != Some(1) {}

    let begun = Instant::now();
    server.shutdown.cancel();
    let farewell = stream.next().await.unwrap();
    assert_eq!(farewell.id, None);
    assert_eq!(stream.next().await, None);
    for closing in [farewell.json(), websocket::next_json(&mut socket).await] {
        assert_eq!(
            (&closing["type"], &closing["reason"]),
            (&"stream.closing".into(), &"restart".into())
        );
        assert_eq!(closing["resume_after"], 1);
        assert!(closing["retry_after_ms"].as_u64().unwrap() <= 2_000);
    }
    assert_eq!(websocket::next(&mut socket).await, websocket::Said::Closed(Some(1012)));
    drop((socket, stream));
    server.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_draining_gateway_answers_waits_at_once() {
    let server = Server::start().await;
    let id = server.submit().await;
    let long_poll = format!("/v1/analysis/{id}?after_version=1&wait=60");
    let long_poll = tokio::spawn(server.get(&long_poll).send());
    let request = server.post("/v1/analysis").header("prefer", "wait=60").json(&question());
    let submission = tokio::spawn(request.send());
    // Both are under way once the second job is there.
    while body(server.get("/v1/analysis").send().await.unwrap()).await["jobs"][1].is_null() {}
    let begun = Instant::now();
    server.shutdown.cancel();
    let (polled, submitted) = (long_poll.await.unwrap(), submission.await.unwrap());
    assert_eq!(polled.unwrap().status(), 200);
    let submitted = submitted.unwrap();
    assert_eq!(submitted.status(), 202);
    assert_eq!(body(submitted).await["state"], "queued");
    server.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_gateway_says_that_it_drains_before_it_closes_its_door() {
    let drain_delay = Duration::from_secs(3);
    let server = Server::with(Settings { drain_delay, ..Settings::default() }).await;
    server.shutdown.cancel();
    let response = server.get("/readyz").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"));
    assert_eq!(body(response).await["failing"], "draining");
    server.stopped().await;
}
