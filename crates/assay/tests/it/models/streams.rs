//! A process that is killed while its model writes: no reader mixes the two texts.

use std::net::SocketAddr;

use contracts::{Job, JobState};
use serde_json::{Value, json};
use testkit::provider::{Reply, ScriptedProvider, streams};

use super::{ANSWER, Home, asking, openai, until_ended};
use crate::client::Client;
use crate::process::PATIENCE;
use crate::sse::{self, Said, Stream};
use crate::websocket;

/// What the first attempt shows before its process dies. The second one begins otherwise.
const FIRST: &str = "Nobody will ever cite this beginning of an answer, which";

/// The end of that.
const END_OF_FIRST: &str = "which";
/// What no text contains.
const NEVER: &str = "\u{0}";

/// An answer as a reader puts it together, and what the reader saw of it.
#[derive(Debug, Default, Clone)]
struct Reader {
    seen: u64,
    text: String,
    resets: usize,
    is_over: bool,
}

impl Reader {
    fn take(&mut self, event: &Value) {
        let sequence: u64 = event["sequence"].as_str().unwrap().parse().unwrap();
        assert_eq!(sequence, self.seen + 1, "no event is missed or repeated");
        self.seen = sequence;
        match event["type"].as_str().unwrap() {
            "output.delta" => {
                let data = &event["data"];
                let shown = self.text.chars().count() as u64;
                assert_eq!(data["offset"].as_u64(), Some(shown), "{data} after {:?}", self.text);
                self.text.push_str(data["text"].as_str().unwrap());
            }
            "output.reset" => {
                self.resets += 1;
                self.text.clear();
            }
            kind => self.is_over |= kind == "job.succeeded",
        }
    }

    /// Reads on over server-sent events until it has seen this, or the stream ends.
    async fn over_sse(mut self, client: &Client, path: &str, until: &str) -> Self {
        let mut stream = Stream::of(sse::open(client, path, Some(self.seen)).await);
        while !self.text.contains(until) {
            match stream.next().await {
                Some(Said::Event(_, event)) => self.take(&event),
                Some(Said::Control(_)) => {}
                None => break,
            }
        }
        self
    }

    /// The same over a WebSocket.
    async fn over_websocket(mut self, client: &Client, path: &str, until: &str) -> Self {
        let at = format!("{path}/events?after={}", self.seen);
        let mut socket = websocket::open(client, &at).await;
        while !self.text.contains(until) {
            match socket.next().await {
                Ok(frame) if frame["sequence"].is_string() => self.take(&frame),
                Ok(_control) => {}
                Err(_code) => break,
            }
        }
        self
    }
}

fn client(server: &crate::process::Server) -> Client {
    let address: SocketAddr = server.base().trim_start_matches("http://").parse().unwrap();
    Client::of(address)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_in_mid_stream_no_reader_mixes_the_two_texts() {
    let provider = ScriptedProvider::start(|number, _| match number {
        1 => Reply::stream().pieces(streams::openai_deltas(FIRST)).stall(),
        _ => Reply::openai(ANSWER),
    });
    let fields = openai(&provider.url(), "m").replace("timeout_s = 2", "timeout_s = 60");
    let home = Home::with(&[("local", fields)]);
    let first = home.serve();
    let job: Job = first.submit_with(asking(json!({}))).await;
    let path = job.links.this.clone();
    let before = client(&first);
    let (by_sse, by_websocket) = tokio::join!(
        Reader::default().over_sse(&before, &path, END_OF_FIRST),
        Reader::default().over_websocket(&before, &path, END_OF_FIRST)
    );
    first.kill_9();
    for reader in [&by_sse, &by_websocket] {
        assert!(reader.text.starts_with("Nobody") && !reader.is_over, "{reader:?}");
    }

    let second = home.serve();
    let after = client(&second);
    let (by_sse, by_websocket) = tokio::join!(
        by_sse.over_sse(&after, &path, NEVER),
        by_websocket.over_websocket(&after, &path, NEVER)
    );
    let ended = until_ended(&second, &job, PATIENCE).await;
    assert_eq!((ended.state, ended.failures, ended.attempt), (JobState::Succeeded, 0, 2));
    let summary = ended.result.unwrap().summary;
    for reader in [by_sse, by_websocket] {
        assert_eq!((reader.resets, reader.is_over), (1, true), "{reader:?}");
        assert_eq!(reader.text, summary);
    }
    assert!(!summary.contains("Nobody"), "{summary}");
    drop(second);
    home.assert_sound();
}
