use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::streams;

/// What a provider does about one request: a status and headers, then the acts of its body.
#[derive(Debug, Clone)]
pub struct Reply {
    form: Form,
    headers: Vec<(String, String)>,
    acts: Vec<Act>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// A status, and a body of known length.
    Whole(u16),
    /// A status, and a body in chunks.
    Chunked(u16),
    /// Bytes as they are.
    Raw,
}

#[derive(Debug, Clone)]
enum Act {
    Send(Vec<u8>),
    Wait(Duration),
    /// Says nothing more until the client leaves.
    Stall,
    /// Sends the same until the client leaves.
    Repeat(Vec<u8>),
    /// Ends the connection in the middle.
    Cut,
}

/// What follows a reply on its connection.
pub(super) enum After {
    Next,
    Close,
}

impl Reply {
    /// A status with an empty body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { form: Form::Whole(status), headers: Vec::new(), acts: Vec::new() }
    }

    /// A status with a body of JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::status(status).header("content-type", "application/json").send(body.to_string())
    }

    /// An event stream with status 200, still empty: see [`Self::send`].
    #[must_use]
    pub fn stream() -> Self {
        Self { form: Form::Chunked(200), ..Self::status(200) }
            .header("content-type", "text/event-stream")
    }

    /// What OpenAI-compatible servers answer, streamed a few characters at a time, with usage.
    #[must_use]
    pub fn openai(text: &str) -> Self {
        Self::stream().pieces(streams::openai(text))
    }

    /// What Anthropic's messages answer, streamed a few characters at a time, with usage.
    #[must_use]
    pub fn anthropic(text: &str) -> Self {
        Self::stream().pieces(streams::anthropic(text))
    }

    /// No reply at all: the connection is cut once the request was read.
    #[must_use]
    pub const fn none() -> Self {
        Self { form: Form::Raw, headers: Vec::new(), acts: Vec::new() }
    }

    /// These bytes, whatever they are.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::none().send(bytes)
    }

    /// Says nothing: the request was read, and no reply comes until the client leaves.
    #[must_use]
    pub fn silence() -> Self {
        Self::none().stall()
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends these bytes of the body next: in a stream one chunk.
    #[must_use]
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.act(Act::Send(bytes.into()))
    }

    /// Sends these next, one after the other.
    #[must_use]
    pub fn pieces<T: Into<Vec<u8>>>(self, pieces: impl IntoIterator<Item = T>) -> Self {
        pieces.into_iter().fold(self, Self::send)
    }

    /// Waits before what follows.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.act(Act::Wait(time))
    }

    /// The same, so long after the request, its head included.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.acts.insert(0, Act::Wait(time));
        self
    }

    /// Says nothing more, until the client leaves.
    #[must_use]
    pub fn stall(self) -> Self {
        self.act(Act::Stall)
    }

    /// Sends the same until the client leaves.
    #[must_use]
    pub fn repeat(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.act(Act::Repeat(bytes.into()))
    }

    /// Cuts the connection in the middle of the body.
    #[must_use]
    pub fn cut(self) -> Self {
        self.act(Act::Cut)
    }

    fn act(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    pub(super) async fn send_to(&self, stream: &mut TcpStream) -> io::Result<After> {
        let mut acts = self.acts.as_slice();
        while let Some((Act::Wait(time), rest)) = acts.split_first() {
            tokio::time::sleep(*time).await;
            acts = rest;
        }
        stream.write_all(self.head().as_bytes()).await?;
        for act in acts {
            match act {
                Act::Send(bytes) => self.write(stream, bytes).await?,
                Act::Wait(time) => tokio::time::sleep(*time).await,
                Act::Stall => {
                    until_closed(stream).await;
                    return Ok(After::Close);
                }
                Act::Repeat(bytes) => loop {
                    self.write(stream, bytes).await?;
                },
                Act::Cut => return Ok(After::Close),
            }
        }
        match self.form {
            Form::Whole(_) => Ok(After::Next),
            Form::Chunked(_) => {
                stream.write_all(b"0\r\n\r\n").await?;
                Ok(After::Next)
            }
            Form::Raw => Ok(After::Close),
        }
    }

    fn head(&self) -> String {
        use std::fmt::Write as _;

        let (status, framing) = match self.form {
            Form::Raw => return String::new(),
            Form::Chunked(status) => (status, "transfer-encoding: chunked".to_owned()),
            Form::Whole(status) => {
                let sent = self.acts.iter().map(|act| match act {
                    Act::Send(bytes) => bytes.len(),
                    Act::Wait(_) | Act::Stall | Act::Repeat(_) | Act::Cut => 0,
                });
                // A body that is cut or never ends is longer than what comes of it.
                let is_whole =
                    self.acts.iter().all(|act| matches!(act, Act::Send(_) | Act::Wait(_)));
                let length = sent.sum::<usize>() + if is_whole { 0 } else { usize::MAX / 4 };
                (status, format!("content-length: {length}"))
            }
        };
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n{framing}\r\n");
        for (name, value) in &self.headers {
            // Writing to a string does not fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    async fn write(&self, stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        match self.form {
            // An empty chunk would end the body.
            Form::Chunked(_) if bytes.is_empty() => Ok(()),
            Form::Chunked(_) => {
                let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                chunk.extend_from_slice(bytes);
                chunk.extend_from_slice(b"\r\n");
                stream.write_all(&chunk).await
            }
            Form::Whole(_) | Form::Raw => stream.write_all(bytes).await,
        }
    }
}

/// Waits until the client has closed the connection, or broken it.
async fn until_closed(stream: &mut TcpStream) {
    let mut bytes = [0; 1_024];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
