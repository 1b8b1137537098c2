//! A server that answers as it is told: one answer a connection, then it hangs up.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::process::PATIENCE;

/// A server on the loopback interface. Its thread ends with its last answer.
pub(crate) struct FakeServer {
    base: String,
    requests: Receiver<String>,
}

impl FakeServer {
    /// A server that gives these answers, as they are, to one connection each. An empty one hangs
    /// up without a word.
    pub(crate) fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut connection, _)) = listener.accept() else { return };
                let request = read_request(&mut connection);
                let _ = connection.write_all(answer.as_bytes());
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self { base, requests }
    }

    /// Where it listens.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The next request, in lower case: head and body.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether no further request came.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// An answer of HTTP/1.1 with this body.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

/// An event stream that says this and ends.
pub(crate) fn event_stream(messages: &str) -> String {
    http("200 OK", "content-type: text/event-stream\r\n", messages)
}

/// The value of a request's header.
pub(crate) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let line = request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.map(str::trim)
}

fn read_request(connection: &mut TcpStream) -> String {
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        match connection.read(&mut piece) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            Ok(_) | Err(_) => return text,
        }
    }
}
