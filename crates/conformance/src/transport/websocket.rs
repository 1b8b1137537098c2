//! WebSockets, over the same client as every other call: its TLS, its key and its proxy.

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Upgraded;
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{SILENCE_MAX, silent};
use crate::fault::{Checked, Fault, equal};
use crate::target::Call;

/// A WebSocket that is being read. Dropping it cuts the connection.
pub(crate) struct Socket(WebSocketStream<Upgraded>);

/// What a server sends.
#[derive(Debug)]
pub(crate) enum Frame {
    Text(Value),
    Ping,
    /// The socket is closed, with this code.
    Closed(u16),
}

impl Socket {
    /// Upgrades the connection of a call (RFC 6455, 4.1).
    pub(crate) async fn open(call: Call<'_>) -> Checked<Self> {
        let (named, key) = (call.to_string(), generate_key());
        let response = call
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key.clone())
            .response()
            .await?;
        equal(format!("{named} as a WebSocket: the status"), response.status().as_u16(), 101)?;
        let accept = response.headers().get("sec-websocket-accept");
        let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
        equal("Sec-WebSocket-Accept", accept, derive_accept_key(key.as_bytes()).as_str())?;
        let upgraded = response.upgrade().await.map_err(|error| {
            let seen = format!("{named}: no upgrade: {}", error.without_url());
            Fault::breach(seen, "a WebSocket")
        })?;
        Ok(Self(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await))
    }

    /// Sends a text frame. One that a closing server does not take is no fault: what the server
    /// says is read afterwards.
    pub(crate) async fn send(&mut self, text: String) {
        let _ = timeout(SILENCE_MAX, self.0.send(Message::text(text))).await;
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Checked<Frame> {
        loop {
            let Ok(message) = timeout(SILENCE_MAX, self.0.next()).await else {
                return Err(silent());
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let value = serde_json::from_str(&text);
                    return value.map(Frame::Text).map_err(|_| {
                        Fault::breach(format!("the frame {:?}", text.as_str()), "JSON")
                    });
                }
                Some(Ok(Message::Ping(_))) => return Ok(Frame::Ping),
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(Some(close)))) => {
                    return Ok(Frame::Closed(close.code.into()));
                }
                Some(Ok(Message::Close(None))) | None => return Ok(Frame::Closed(1005)),
                Some(Ok(Message::Binary(_))) => {
                    return Err(Fault::breach("a binary frame", "text frames of JSON"));
                }
                Some(Err(error)) => {
                    let seen = format!("a WebSocket broke off: {error}");
                    return Err(Fault::breach(seen, "a close code"));
                }
            }
        }
    }

    /// The next text frame; pings are passed over.
    pub(crate) async fn text(&mut self) -> Checked<Value> {
        loop {
            match self.next().await? {
                Frame::Text(frame) => return Ok(frame),
                Frame::Ping => {}
                Frame::Closed(code) => {
                    return Err(Fault::breach(format!("close code {code}"), "a frame"));
                }
            }
        }
    }

    /// The text frames up to the end, and the code that the socket is closed with.
    pub(crate) async fn rest(mut self) -> Checked<(Vec<Value>, u16)> {
        let mut frames = Vec::new();
        loop {
            match self.next().await? {
                Frame::Text(frame) => frames.push(frame),
                Frame::Ping => {}
                Frame::Closed(code) => return Ok((frames, code)),
            }
        }
    }
}
