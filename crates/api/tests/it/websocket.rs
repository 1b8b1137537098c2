//! WebSockets.

use api::Settings;
use contracts::JobId;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::server::{DEADLINE, Server, delta};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn open(server: &Server, path: &str) -> Socket {
    let url = format!("ws://{}{path}", server.authority);
    let connecting = tokio_tungstenite::connect_async(url);
    timeout(DEADLINE, connecting).await.unwrap().unwrap().0
}

/// What a socket says.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Text(String),
    Ping,
    Closed(Option<u16>),
}

pub(crate) async fn next(socket: &mut Socket) -> Said {
    match timeout(DEADLINE, socket.next()).await.unwrap() {
        Some(Ok(Message::Text(text))) => Said::Text(text.to_string()),
        Some(Ok(Message::Ping(_))) => Said::Ping,
        Some(Ok(Message::Close(frame))) => Said::Closed(frame.map(|frame| frame.code.into())),
        other => panic!("unexpected: {other:?}"),
    }
}

pub(crate) async fn next_json(socket: &mut Socket) -> Value {
    loop {
        match next(socket).await {
            Said::Text(text) => return serde_json::from_str(&text).unwrap(),
            Said::Ping => {}
            Said::Closed(code) => panic!("closed with {code:?}"),
        }
    }
}

/// All that a socket says up to its close code.
async fn transcript(mut socket: Socket) -> (Vec<String>, Option<u16>) {
    let mut texts = Vec::new();
    loop {
        match next(&mut socket).await {
            Said::Text(text) => texts.push(text),
            Said::Ping => {}
            Said::Closed(code) => return (texts, code),
        }
    }
}

#[tokio::test]
async fn a_socket_from_any_cursor_is_the_rest_of_the_log() {
    let server = Server::start().await;
    let id = server.ended_job(80).await;
    let log = server.store.log_lines(id);
    for after in 0..=80_usize {
        let path = match after % 2 {
            0 => format!("/v1/analysis/{id}?after={after}"),
            _ => format!("/v1/analysis/{id}/events?after={after}"),
        };
        let (texts, code) = transcript(open(&server, &path).await).await;
        let ready: Value = serde_json::from_str(&texts[0]).unwrap();
        assert_eq!((&ready["type"], &ready["head"]), (&"stream.ready".into(), &80.into()));
        assert_eq!((&texts[1..], code), (&log[after..], Some(1000)), "after {after}");
    }
}

#[tokio::test]
async fn a_socket_tells_what_happens_though_the_bus_drops_everything() {
    let server = Server::start().await;
    let id = server.submit().await;
    let mut socket = open(&server, &format!("/v1/analysis/{id}")).await;
    assert_eq!(next_json(&mut socket).await["mode"], "full");
    assert_eq!(next_json(&mut socket).await["type"], "job.created");
    server.store.start(id);
    assert_eq!(next_json(&mut socket).await["type"], "job.started");
    server.store.change(id, delta("x"));
    server.store.fail(id);
    for expected in ["output.delta", "job.attempt_failed", "job.failed"] {
        assert_eq!(next_json(&mut socket).await["type"], expected);
    }
    assert_eq!(next(&mut socket).await, Said::Closed(Some(1000)));
}

#[tokio::test]
async fn a_refused_socket_is_told_why() {
    let server = Server::start().await;
    let id = server.submit().await;
    for (path, close_code, code) in [
        (format!("/v1/analysis/{}", JobId::new()), 4404, "not_found"),
        ("/v1/analysis/x/events".to_owned(), 4404, "not_found"),
        (format!("/v1/analysis/{id}?after=2"), 4409, "cursor_ahead"),
    ] {
        let mut socket = open(&server, &path).await;
        let frame = next_json(&mut socket).await;
        assert_eq!(
            (&frame["type"], &frame["problem"]["code"]),
            (&"stream.error".into(), &code.into())
        );
        assert_eq!(next(&mut socket).await, Said::Closed(Some(close_code)));
    }
}

#[tokio::test]
async fn a_foreign_page_gets_no_socket() {
    let server = Server::with(Settings::default()).await;
    let id = server.submit().await;
    for (origin, opens) in [
        (format!("http://{}", server.authority), true),
        ("http://evil.example".to_owned(), false),
        ("null".to_owned(), false),
    ] {
        let url = format!("ws://{}/v1/analysis/{id}", server.authority);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        if opens {
            assert_eq!(next_json(&mut socket).await["type"], "stream.ready");
        } else {
            assert_eq!(next_json(&mut socket).await["problem"]["code"], "forbidden");
            assert_eq!(next(&mut socket).await, Said::Closed(Some(1008)));
        }
    }
}

#[tokio::test]
async fn a_socket_of_one_job_takes_no_messages() {
    let server = Server::start().await;
    let id = server.submit().await;
    let huge = Message::text("x".repeat(64 * 1024 + 1));
    for (message, close_code) in
        [(Message::text("{}"), 4400), (Message::binary(vec![0xff]), 4400), (huge, 4413)]
    {
        let mut socket = open(&server, &format!("/v1/analysis/{id}")).await;
        assert_eq!(next_json(&mut socket).await["type"], "stream.ready");
        assert_eq!(next_json(&mut socket).await["type"], "job.created");
        socket.send(message).await.unwrap();
        assert_eq!(next(&mut socket).await, Said::Closed(Some(close_code)));
    }
}

#[tokio::test]
async fn a_broken_handshake_is_a_problem() {
    let server = Server::start().await;
    let id = server.submit().await;
    let request = server.get(&format!("/v1/analysis/{id}"));
    let request = request.header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(crate::server::problem(request.send().await.unwrap()).await["status"], 400);
}
