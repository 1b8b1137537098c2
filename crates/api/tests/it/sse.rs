//! Event streams.

use api::Settings;
use contracts::JobId;
use futures_util::StreamExt as _;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::server::{DEADLINE, Server, delta, header, problem};
use crate::store::{Fault, MemoryStore, until};

/// One message of an event stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: Option<u64>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: Option<String>,
    pub(crate) comment: bool,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap()).unwrap()
    }
}

/// Reads an event stream strictly: a line that this gateway should not send is a failure.
pub(crate) struct Reader {
    response: Response,
    text: String,
}

impl Reader {
    pub(crate) fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        assert_eq!(header(&response, "content-encoding"), "identity");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-accel-buffering"), "no");
        Self { response, text: String::new() }
    }

    /// The next message; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let message = parse(block);
                self.text = rest.to_owned();
                return Some(message);
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.unwrap().unwrap();
            match chunk {
                Some(bytes) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => {
                    assert_eq!(self.text, "", "the stream ended within a message");
                    return None;
                }
            }
        }
    }
}

fn parse(block: &str) -> Message {
    let mut message = Message::default();
    for line in block.lines() {
        if line.starts_with(':') {
            message.comment = true;
            continue;
        }
        let (field, value) = line.split_once(": ").unwrap();
        match field {
            "id" => message.id = Some(value.parse().unwrap()),
            "retry" => message.retry = Some(value.parse().unwrap()),
            "data" => assert_eq!(message.data.replace(value.to_owned()), None, "one data line"),
            other => panic!("unexpected field {other}"),
        }
    }
    message
}

pub(crate) async fn open(server: &Server, id: JobId, last: Option<u64>, query: &str) -> Response {
    let request = server.get(&format!("/v1/analysis/{id}/events{query}"));
    let mut request = request.header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.unwrap()
}

/// The events of a stream up to its end, each checked against its id.
async fn events(mut reader: Reader, after: u64) -> Vec<String> {
    let begin = reader.next().await.unwrap();
    assert_eq!((begin.retry, begin.data), (Some(2_000), None));
    let ready = reader.next().await.unwrap();
    assert_eq!(ready.id, None);
    assert_eq!(
        (&ready.json()["type"], &ready.json()["after"]),
        (&"stream.ready".into(), &after.into())
    );
    let mut events = Vec::new();
    while let Some(message) = reader.next().await {
        if message.comment {
            continue;
        }
        assert_eq!(message.id, Some(after + events.len() as u64 + 1));
        events.push(message.data.unwrap());
    }
    events
}

#[tokio::test]
async fn a_stream_from_any_cursor_is_the_rest_of_the_log() {
    let server = Server::start().await;
    let id = server.ended_job(150).await;
    let log = server.store.log_lines(id);
    for after in 0..150_u64 {
        let by_header = open(&server, id, Some(after), "?after=3").await;
        assert_eq!(events(Reader::new(by_header), after).await, log[after as usize..]);
    }
    for after in [0, 1, 64, 149] {
        let by_query = open(&server, id, None, &format!("?after={after}")).await;
        assert_eq!(events(Reader::new(by_query), after).await, log[after as usize..]);
    }
}

#[tokio::test]
async fn a_stream_cut_anywhere_goes_on_where_it_was_though_the_bus_drops_everything() {
    let server = Server::start().await;
    let id = server.submit().await;
    server.store.start(id);
    let mut seen: Vec<String> = Vec::new();
    for step in 0..4 {
        server.store.change(id, delta(&step.to_string()));
        let cursor = seen.len() as u64;
        let mut reader = Reader::new(open(&server, id, Some(cursor), "").await);
        let mut first = true;
        // The last event of each round is written while the stream is open, and no news of it come.
        let wanted = server.store.head(id) + 1;
        while (seen.len() as u64) < wanted {
            let message = reader.next().await.unwrap();
            if let Some(version) = message.id {
                assert_eq!(version, seen.len() as u64 + 1);
                seen.push(message.data.unwrap());
            } else if first && message.data.is_some() {
                first = false;
                server.store.change(id, delta("live"));
            }
        }
    }
    server.store.fail(id);
    let rest = Reader::new(open(&server, id, Some(seen.len() as u64), "").await);
    let after = seen.len() as u64;
    seen.extend(events(rest, after).await);
    assert_eq!(seen, server.store.log_lines(id));
}

#[tokio::test]
async fn a_stream_ends_after_the_terminal_event_and_does_not_begin_again() {
    let server = Server::start().await;
    let id = server.ended_job(5).await;
    for query in ["", "?after=1"] {
        assert_eq!(open(&server, id, Some(5), query).await.status(), 204);
    }
    let ahead = open(&server, id, Some(6), "").await;
    assert_eq!(problem(ahead).await["code"], "cursor_ahead");
    assert_eq!(problem(open(&server, id, None, "?after=6").await).await["status"], 409);
    assert_eq!(problem(open(&server, id, None, "?limit=5").await).await["status"], 400);
    let unknown = open(&server, JobId::new(), None, "").await;
    assert_eq!(problem(unknown).await["status"], 404);
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive_by_comments() {
    let mut settings = Settings::default();
    settings.times.comment_interval = std::time::Duration::from_millis(50);
    let server = Server::with(settings).await;
    let id = server.submit().await;
    let mut reader = Reader::new(open(&server, id, None, "?after=1").await);
    let mut comments = 0;
    while comments < 3 {
        comments += u32::from(reader.next().await.unwrap().comment);
    }
}

#[tokio::test]
async fn a_stream_outlives_a_store_that_fails_for_a_while() {
    let server = Server::over(MemoryStore::new(false), Settings::default()).await;
    let id = server.submit().await;
    server.store.start(id);
    let mut reader = Reader::new(open(&server, id, Some(1), "").await);
    while reader.next().await.unwrap().id != Some(2) {}
    server.store.fail_with(Fault::Unavailable);
    // More than the stream buffers, so that it must go back to the log.
    let big = "x".repeat(10_000);
    for _ in 0..10 {
        server.store.change(id, delta(&big));
    }
    until(|| server.store.failed_calls() >= 2).await;
    server.store.fail_with(Fault::None);
    server.store.fail(id);
    for version in 3..=14 {
        assert_eq!(reader.next().await.unwrap().id, Some(version));
    }
    assert_eq!(reader.next().await, None);
}

#[tokio::test]
async fn a_client_that_leaves_is_not_followed_any_more() {
    let server = Server::start().await;
    let (id, other) = (server.submit().await, server.submit().await);
    let _kept = open(&server, other, None, "").await;
    let mut body = open(&server, id, None, "").await.bytes_stream();
    body.next().await.unwrap().unwrap();
    drop(body);
    server.store.until_only_followed(other, id).await;
}
