//! Reading event streams.

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Client, DEADLINE};

/// What a stream says.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    /// An event with its id.
    Event(u64, Value),
    /// A control frame.
    Control(Value),
}

/// An event stream that is being read.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

/// Opens the stream of the job at `path`, as a browser that has seen version `last` comes back.
pub(crate) async fn open(client: &Client, path: &str, last: Option<u64>) -> Response {
    let request = client.get(&format!("{path}/events")).header("accept", "text/event-stream");
    let request = match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    };
    request.send().await.unwrap()
}

impl Stream {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next frame that carries data; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Said> {
        self.try_next().await.unwrap()
    }

    /// The same, over a connection that may break.
    pub(crate) async fn try_next(&mut self) -> reqwest::Result<Option<Said>> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let said = read(block);
                self.text = rest.to_owned();
                if said.is_some() {
                    return Ok(said);
                }
            }
            match timeout(DEADLINE, self.response.chunk()).await.unwrap()? {
                Some(bytes) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => return Ok(None),
            }
        }
    }

    /// The events up to the end of the stream.
    pub(crate) async fn events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(said) = self.next().await {
            if let Said::Event(id, event) = said {
                assert_eq!(event["sequence"], format!("{id:010}"));
                events.push(event);
            }
        }
        events
    }
}

fn read(block: &str) -> Option<Said> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    assert!(field("event:").is_none(), "browsers drop the names that they do not know");
    let data: Value = serde_json::from_str(field("data: ")?).unwrap();
    Some(match field("id: ") {
        Some(id) => Said::Event(id.parse().unwrap(), data),
        None => Said::Control(data),
    })
}
