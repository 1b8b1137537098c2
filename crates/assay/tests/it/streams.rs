//! Streams never lie: whatever the transport, the cut and the bus, they are the log.

use serde_json::Value;

use crate::client::{Client, problem};
use crate::sse::{self, Said, Stream};
use crate::system::{Bus, start, start_where};
use crate::websocket;

/// A job with a log of some length: delays, failures and text.
const LIVELY: &str = "script: delay_ms=300 fail=transient*1 output_bytes=20000";

async fn ended_log(client: &Client, path: &str) -> Vec<Value> {
    client.ended(path).await;
    let log = client.log(path).await;
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event["sequence"], format!("{:010}", index + 1));
    }
    log
}

#[tokio::test]
async fn every_cut_of_a_stream_is_followed_by_the_rest_of_the_log() {
    let (system, _dir) = start_where(Bus::LosesEverything).await;
    let client = &system.client;
    let path = client.submit(LIVELY).await;
    let log = ended_log(client, &path).await;
    for cut in 0..log.len() {
        let last = (cut > 0).then_some(cut as u64);
        let mut stream = Stream::of(sse::open(client, &path, last).await);
        assert_eq!(stream.events().await, log[cut..], "SSE after {cut}");
        let mut socket = websocket::open(client, &format!("{path}/events?after={cut}")).await;
        let (frames, code) = socket.transcript().await;
        assert_eq!(
            (&frames[0]["type"], &frames[0]["after"]),
            (&"stream.ready".into(), &cut.into())
        );
        assert_eq!((&frames[1..], code), (&log[cut..], 1000), "WebSocket after {cut}");
    }
    system.stop().await;
}

#[tokio::test]
async fn a_live_stream_cut_after_every_event_is_the_log_though_the_bus_drops_everything() {
    let (system, _dir) = start_where(Bus::LosesEverything).await;
    let client = &system.client;
    let path = client.submit(LIVELY).await;
    let by_stream = async {
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let response = sse::open(client, &path, Some(seen.len() as u64)).await;
            if response.status() == 204 {
                return seen;
            }
            let mut stream = Stream::of(response);
            while let Some(said) = stream.next().await {
                if let Said::Event(id, event) = said {
                    assert_eq!(id, seen.len() as u64 + 1);
                    seen.push(event);
                    break;
                }
            }
        }
    };
    let by_socket = async {
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let mut socket = websocket::open(client, &format!("{path}?after={}", seen.len())).await;
            assert_eq!(socket.next().await.unwrap()["type"], "stream.ready");
            match socket.next().await {
                Ok(event) => seen.push(event),
                Err(code) => {
                    assert_eq!(code, 1000);
                    return seen;
                }
            }
        }
    };
    let (by_stream, by_socket) = tokio::join!(by_stream, by_socket);
    let log = ended_log(client, &path).await;
    assert_eq!(by_stream, log);
    assert_eq!(by_socket, log);
    system.stop().await;
}

#[tokio::test]
async fn an_uncut_stream_is_the_log_with_news_and_without() {
    for bus in [Bus::Delivers, Bus::LosesEverything] {
        let (system, _dir) = start_where(bus).await;
        let client = &system.client;
        let path = client.submit(LIVELY).await;
        let mut stream = Stream::of(sse::open(client, &path, None).await);
        let mut socket = websocket::open(client, &path).await;
        let (events, (frames, code)) = tokio::join!(stream.events(), socket.transcript());
        let log = ended_log(client, &path).await;
        assert_eq!(events, log);
        assert_eq!((&frames[1..], code), (&log[..], 1000));
        system.stop().await;
    }
}

#[tokio::test]
async fn a_cursor_at_the_end_is_done_and_one_beyond_is_refused() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let path = client.submit("quick").await;
    let head = ended_log(client, &path).await.len() as u64;
    assert_eq!(sse::open(client, &path, Some(head)).await.status(), 204);
    let (status, refused) = problem(sse::open(client, &path, Some(head + 1)).await).await;
    assert_eq!((status, &refused["code"]), (409, &"cursor_ahead".into()));

    let mut done = websocket::open(client, &format!("{path}?after={head}")).await;
    assert_eq!(done.next().await.unwrap()["type"], "stream.ready");
    assert_eq!(done.next().await, Err(1000));
    let mut ahead = websocket::open(client, &format!("{path}?after={}", head + 1)).await;
    assert_eq!(ahead.next().await.unwrap()["problem"]["code"], "cursor_ahead");
    assert_eq!(ahead.next().await, Err(4409));
    system.stop().await;
}
