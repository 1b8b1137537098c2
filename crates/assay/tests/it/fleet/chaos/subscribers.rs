//! Those who follow a job, and come back with their cursor whenever the connection is lost.

use std::time::Duration;

use contracts::Job;
use serde_json::Value;

use super::GATEWAYS;
use crate::client::Client;
use crate::sse::{Said, Stream};
use crate::websocket;

/// The wait before coming back.
const PAUSE: Duration = Duration::from_millis(100);

/// How a subscriber follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    EventStream,
    WebSocket,
}

/// What a subscriber was shown.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) job: Job,
    pub(super) events: Vec<Value>,
    /// Connections that showed something or nothing.
    pub(super) connections: usize,
}

/// Follows a job to its end: at each loss of the connection the next gateway is asked.
pub(super) async fn follow(
    clients: [Client; GATEWAYS],
    job: Job,
    first: usize,
    transport: Transport,
) -> Transcript {
    let mut transcript = Transcript { job, events: Vec::new(), connections: 0 };
    loop {
        let client = &clients[(first + transcript.connections) % GATEWAYS];
        transcript.connections += 1;
        let is_over = match transport {
            Transport::EventStream => read_stream(client, &mut transcript).await,
            Transport::WebSocket => read_socket(client, &mut transcript).await,
        };
        if is_over {
            return transcript;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads one connection to its end: whether the server said that there is nothing more.
async fn read_stream(client: &Client, transcript: &mut Transcript) -> bool {
    let path = transcript.job.links.this.clone();
    let cursor = transcript.events.len();
    let mut request = client.get(&format!("{path}/events")).header("accept", "text/event-stream");
    if cursor > 0 {
        request = request.header("last-event-id", cursor);
    }
    let Ok(response) = request.send().await else { return false };
    match response.status().as_u16() {
        204 => return true,
        200 => {}
        status => {
            assert!(status >= 500, "{status}");
            return false;
        }
    }
    let mut stream = Stream::of(response);
    while let Ok(Some(said)) = stream.try_next().await {
        match said {
            Said::Event(_, event) => transcript.add(event),
            Said::Control(_) => {}
        }
    }
    // The stream ended, or was cut: whether the job has ended is asked with the cursor.
    false
}

async fn read_socket(client: &Client, transcript: &mut Transcript) -> bool {
    let (path, cursor) = (&transcript.job.links.this, transcript.events.len());
    let path = format!("{path}/events?after={cursor}");
    let Ok(mut socket) = websocket::try_open(client, &path).await else { return false };
    loop {
        match socket.try_next().await {
            Ok(Some(Ok(frame))) if frame["sequence"].is_string() => transcript.add(frame),
            // What is not in the log speaks of the stream.
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(code))) => return code == 1000,
            Ok(None) | Err(_) => return false,
        }
    }
}

impl Transcript {
    /// Adds the event that has to come next.
    fn add(&mut self, event: Value) {
        let next = format!("{:010}", self.events.len() + 1);
        assert_eq!(event["sequence"], next, "a stream left something out, or repeated it");
        self.events.push(event);
    }
}
