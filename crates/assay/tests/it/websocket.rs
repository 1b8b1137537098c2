//! Reading WebSockets.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::client::{Client, DEADLINE};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

pub(crate) async fn open(client: &Client, path: &str) -> Socket {
    let connecting = tokio_tungstenite::connect_async(format!("ws://{}{path}", client.address));
    Socket(timeout(DEADLINE, connecting).await.unwrap().unwrap().0)
}

impl Socket {
    pub(crate) async fn say(&mut self, frame: &Value) {
        timeout(DEADLINE, self.0.send(Message::text(frame.to_string()))).await.unwrap().unwrap();
    }

    /// The next frame, or the code that the socket is closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
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
