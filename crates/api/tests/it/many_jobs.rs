//! Many jobs on one socket.

use std::collections::BTreeMap;

use contracts::{JobId, limits};
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::other_ports::TICKET_KEY;
use crate::server::{Server, delta, problem};
use crate::tickets::ticket;
use crate::websocket::{self, Said, Socket};

async fn say(socket: &mut Socket, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn subscribe(socket: &mut Socket, id: JobId, after: u64) {
    say(socket, &json!({"type": "subscribe", "job_id": id, "after": after})).await;
}

#[tokio::test]
async fn each_job_is_told_whole_and_in_order() {
    let server = Server::start().await;
    let mut expected = BTreeMap::new();
    let mut socket = websocket::open(&server, "/v1/stream").await;
    for events in [4, 40, 200] {
        let id = server.ended_job(events).await;
        subscribe(&mut socket, id, 0).await;
        expected.insert(id.to_string(), server.store.log_lines(id));
    }
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ready = 0;
    while seen.values().map(Vec::len).sum::<usize>() < 244 {
        let Said::Text(text) = websocket::next(&mut socket).await else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["type"] == "stream.ready" {
            ready += 1;
        } else {
            seen.entry(frame["subject"].as_str().unwrap().to_owned()).or_default().push(text);
        }
    }
    assert_eq!((ready, seen), (3, expected));
}

#[tokio::test]
async fn a_cursor_begins_a_subscription_where_the_last_one_ended() {
    let server = Server::start().await;
    let id = server.ended_job(6).await;
    let mut socket = websocket::open(&server, "/v1/stream").await;
    subscribe(&mut socket, id, 4).await;
    let ready = websocket::next_json(&mut socket).await;
    assert_eq!((&ready["mode"], &ready["after"]), (&json!("resume"), &json!(4)));
    for version in ["0000000005", "0000000006"] {
        assert_eq!(websocket::next_json(&mut socket).await["sequence"], version);
    }
    // Nothing is left to say of a log that was read to its end, and the socket goes on.
    subscribe(&mut socket, id, 6).await;
    assert_eq!(websocket::next_json(&mut socket).await["after"], 6);
    subscribe(&mut socket, id, 5).await;
    assert_eq!(websocket::next_json(&mut socket).await["after"], 5);
    assert_eq!(websocket::next_json(&mut socket).await["sequence"], "0000000006");
}

#[tokio::test]
async fn a_message_may_come_in_fragments_up_to_its_limit() {
    let server = Server::start().await;
    let id = server.ended_job(4).await;
    let mut socket = websocket::open(&server, "/v1/stream").await;
    let text = json!({"type": "subscribe", "job_id": id, "after": 3}).to_string();
    let (first, rest) = text.split_at(7);
    let (second, third) = rest.split_at(20);
    fragment(&mut socket, Data::Text, first, false).await;
    // Control frames may stand between fragments.
    socket.send(Message::Pong("in between".into())).await.unwrap();
    fragment(&mut socket, Data::Continue, second, false).await;
    fragment(&mut socket, Data::Continue, third, true).await;
    let ready = websocket::next_json(&mut socket).await;
    assert_eq!((&ready["type"], &ready["after"]), (&json!("stream.ready"), &json!(3)));
    assert_eq!(websocket::next_json(&mut socket).await["sequence"], "0000000004");

    let large = " ".repeat(40 * 1024);
    fragment(&mut socket, Data::Text, &large, false).await;
    fragment(&mut socket, Data::Continue, &large, true).await;
    assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4413)));
}

async fn fragment(socket: &mut Socket, kind: Data, text: &str, is_last: bool) {
    let frame = Frame::message(text.to_owned(), OpCode::Data(kind), is_last);
    socket.send(Message::Frame(frame)).await.unwrap();
}

#[tokio::test]
async fn a_job_with_much_to_say_holds_up_nobody() {
    let server = Server::start().await;
    let (loud, quiet) = (server.ended_job(1_500).await, server.ended_job(4).await);
    let mut socket = websocket::open(&server, "/v1/stream").await;
    subscribe(&mut socket, loud, 0).await;
    subscribe(&mut socket, quiet, 0).await;
    // What was said before the second subscription was heard has held up nobody.
    while websocket::next_json(&mut socket).await["job_id"] != quiet.to_string() {}
    let (mut of_loud, mut of_quiet) = (0, 0);
    while of_quiet < 4 {
        let frame = websocket::next_json(&mut socket).await;
        if frame["subject"] == quiet.to_string() {
            of_quiet += 1;
        } else if frame["subject"] == loud.to_string() {
            of_loud += 1;
        }
    }
    assert!(of_loud < 100, "{of_loud} events of the other job came in between");
}

#[tokio::test]
async fn a_fault_of_one_subscription_is_no_fault_of_the_socket() {
    let server = Server::start().await;
    let (id, gone) = (server.submit().await, server.ended_job(4).await);
    server.store.forget(gone);
    let unknown = JobId::new();
    let mut socket = websocket::open(&server, "/v1/stream").await;
    for (of, after, code) in [(unknown, 0, "not_found"), (id, 2, "cursor_ahead"), (gone, 0, "gone")]
    {
        subscribe(&mut socket, of, after).await;
        let frame = websocket::next_json(&mut socket).await;
        assert_eq!((&frame["type"], &frame["job_id"]), (&json!("stream.error"), &json!(of)));
        assert_eq!(frame["problem"]["code"], code);
    }
    subscribe(&mut socket, id, 0).await;
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    assert_eq!(websocket::next_json(&mut socket).await["type"], "job.created");
}

#[tokio::test]
async fn a_subscription_that_was_ended_says_no_more() {
    let server = Server::start().await;
    let (id, other) = (server.submit().await, server.submit().await);
    let mut socket = websocket::open(&server, "/v1/stream").await;
    for of in [id, other] {
        subscribe(&mut socket, of, 1).await;
        assert_eq!(websocket::next_json(&mut socket).await["job_id"], json!(of));
    }
    for _ in 0..2 {
        say(&mut socket, &json!({"type": "unsubscribe", "job_id": id})).await;
    }
    // Frames are taken in order: once this one is answered, that one was taken.
    subscribe(&mut socket, other, 1).await;
    assert_eq!(websocket::next_json(&mut socket).await["job_id"], json!(other));
    server.store.start(id);
    server.store.start(other);
    assert_eq!(websocket::next_json(&mut socket).await["subject"], json!(other));
    server.store.change(id, delta("x"));
    server.store.fail(other);
    assert_eq!(websocket::next_json(&mut socket).await["subject"], json!(other));
}

#[tokio::test]
async fn a_socket_follows_no_more_jobs_than_is_published() {
    let server = Server::start().await;
    let mut socket = websocket::open(&server, "/v1/stream").await;
    let mut ids = Vec::new();
    for _ in 0..limits::SUBSCRIPTIONS_PER_SOCKET_MAX {
        let id = server.submit().await;
        subscribe(&mut socket, id, 1).await;
        assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
        ids.push(id);
    }
    let one_more = server.submit().await;
    subscribe(&mut socket, one_more, 0).await;
    let refused = websocket::next_json(&mut socket).await;
    assert_eq!(
        (&refused["job_id"], &refused["problem"]["code"]),
        (&json!(one_more), &json!("quota_exceeded"))
    );
    // One that is followed already is followed anew, and one that ends makes room.
    subscribe(&mut socket, ids[0], 1).await;
    assert_eq!(websocket::next_json(&mut socket).await["job_id"], json!(ids[0]));
    say(&mut socket, &json!({"type": "unsubscribe", "job_id": ids[1]})).await;
    subscribe(&mut socket, one_more, 1).await;
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
}

#[tokio::test]
async fn a_bad_frame_is_told_and_ends_the_socket() {
    let server = Server::start().await;
    for bad in [
        Message::text("{}"),
        Message::text("x"),
        Message::text(r#"{"type": "subscribe"}"#),
        Message::text(format!(
            r#"{{"type": "subscribe", "job_id": "{}", "from": 1}}"#,
            JobId::new()
        )),
    ] {
        let mut socket = websocket::open(&server, "/v1/stream").await;
        socket.send(bad).await.unwrap();
        let frame = websocket::next_json(&mut socket).await;
        assert_eq!(frame["problem"]["code"], "invalid_request");
        assert_eq!(frame.get("job_id"), None);
        assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4400)));
    }
    let huge = Message::text("x".repeat(64 * 1024 + 1));
    for (bad, code) in [(Message::binary(vec![0xff]), 4400), (huge, 4413)] {
        let mut socket = websocket::open(&server, "/v1/stream").await;
        socket.send(bad).await.unwrap();
        assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(code)));
    }
    let plain = server.get("/v1/stream").send().await.unwrap();
    assert_eq!(problem(plain).await["status"], 400);
}

#[tokio::test]
async fn a_ticket_bounds_what_its_socket_follows() {
    let server = Server::start().await;
    let (id, other, late) = (server.submit().await, server.submit().await, JobId::new());
    let shown = ticket(TICKET_KEY, id, i64::MAX / 2);
    let mut socket = websocket::open(&server, &format!("/v1/stream?ticket={shown}")).await;
    subscribe(&mut socket, other, 0).await;
    assert_eq!(websocket::next_json(&mut socket).await["problem"]["code"], "forbidden");
    subscribe(&mut socket, id, 0).await;
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    let expired = ticket(TICKET_KEY, late, 1);
    let mut socket = websocket::open(&server, &format!("/v1/stream?ticket={expired}")).await;
    subscribe(&mut socket, late, 0).await;
    assert_eq!(websocket::next_json(&mut socket).await["problem"]["code"], "unauthorized");
    let mut socket = websocket::open(&server, "/v1/stream?ticket=x").await;
    assert_eq!(websocket::next_json(&mut socket).await["problem"]["code"], "unauthorized");
    assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(4401)));
}

#[tokio::test]
async fn a_draining_gateway_tells_each_subscription_where_to_resume() {
    let server = Server::start().await;
    let (id, other) = (server.submit().await, server.submit().await);
    let mut idle = websocket::open(&server, "/v1/stream").await;
    let mut socket = websocket::open(&server, "/v1/stream").await;
    for of in [id, other] {
        subscribe(&mut socket, of, 1).await;
        assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    }
    server.shutdown.cancel();
    let mut told = Vec::new();
    for _ in 0..2 {
        let frame = websocket::next_json(&mut socket).await;
        assert_eq!(
            (&frame["type"], &frame["reason"]),
            (&json!("stream.closing"), &json!("restart"))
        );
        assert_eq!(frame["resume_after"], 1);
        told.push(frame["job_id"].as_str().unwrap().to_owned());
    }
    told.sort();
    let mut both = [id.to_string(), other.to_string()];
    both.sort();
    assert_eq!(told, both);
    assert_eq!(websocket::next(&mut socket).await, Said::Closed(Some(1012)));
    assert_eq!(websocket::next(&mut idle).await, Said::Closed(Some(1012)));
    drop((socket, idle));
    server.stopped().await;
}
