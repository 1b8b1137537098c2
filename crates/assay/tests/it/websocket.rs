//! Reading WebSockets.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::client::{Client, DEADLINE};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

pub(crate) async fn open(client: &Client, path: &str) -> Socket {
    try_open(client, path).await.unwrap()
}

/// The same, to a server that may be down.
pub(crate) async fn try_open(client: &Client, path: &str) -> Result<Socket, Error> {
    let connecting = tokio_tungstenite::connect_async(format!("ws://{}{path}", client.address));
    Ok(Socket(timeout(DEADLINE, connecting).await.unwrap()?.0))
}

impl Socket {
    pub(crate) async fn say(&mut self, frame: &Value) {
        timeout(DEADLINE, self.0.send(Message::text(frame.to_string()))).await.unwrap().unwrap();
    }

    /// The next frame, or the code that the socket is closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        self.try_next().await.unwrap().expect("the socket is closed with a code")
    }

    /// The same, over a connection that may break; `None` if it ends without a word.
    pub(crate) async fn try_next(&mut self) -> Result<Option<Result<Value, u16>>, Error> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.unwrap().transpose()? {
                Some(Message::Text(text)) => {
                    return Ok(Some(Ok(serde_json::from_str(&text).unwrap())));
                }
                Some(Message::Ping(_)) => {}
                Some(Message::Close(frame)) => {
                    return Ok(frame.map(|frame| Err(frame.code.into())));
                }
                None => return Ok(None),
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    /// All frames, and the code that the socket is closed with.
    pub(crate) async fn transcript(&mut self) -> (Vec<Value>, u16) {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Ok(frame) => frames.push(frame),
                Err(code) => return (frames, code),
            }
        }
    }
}
