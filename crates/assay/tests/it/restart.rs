//! The end of one process and the beginning of the next.

use serde_json::Value;

use crate::sse::{self, Said, Stream};
use crate::system::{Bus, System};
use crate::websocket;

#[tokio::test]
async fn a_stream_goes_on_in_the_next_process_where_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let system = System::start(dir.path(), Bus::Delivers).await;
    let client = &system.client;
    let path = client.submit("script: delay_ms=2000").await;
    let mut stream = Stream::of(sse::open(client, &path, None).await);
    let mut socket = websocket::open(client, &path).await;
    client.once_in(&path, "running").await;
    system.begin_drain();
    let (mut seen, mut closing) = (Vec::new(), None);
    while let Some(said) = stream.next().await {
        match said {
            Said::Event(_, event) => seen.push(event),
            Said::Control(frame) => closing = Some(frame),
        }
    }
    let (frames, code) = socket.transcript().await;
    assert_eq!(code, 1012);
    for closing in [closing.as_ref().unwrap(), frames.last().unwrap()] {
        assert_eq!(
            (&closing["type"], &closing["reason"]),
            (&"stream.closing".into(), &"restart".into())
        );
        assert!(closing["retry_after_ms"].as_u64().unwrap() <= 2_000);
    }
    let cursor = closing.unwrap()["resume_after"].as_u64().unwrap();
    assert_eq!(cursor, seen.len() as u64);
    system.stop().await;

    let system = System::start(dir.path(), Bus::Delivers).await;
    let client = &system.client;
    let mut stream = Stream::of(sse::open(client, &path, Some(cursor)).await);
    seen.extend(stream.events().await);
    let job = client.ended(&path).await;
    assert_eq!((&job["state"], &job["failures"]), (&"succeeded".into(), &0.into()), "{job}");
    let log: Vec<Value> = client.log(&path).await;
    assert_eq!(seen, log);
    let requeued = log.iter().find(|event| event["type"] == "job.requeued").unwrap();
    assert_eq!(requeued["data"]["reason"], "drain");
    system.stop().await;
}
