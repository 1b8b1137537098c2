//! The gateway: what a client sees of Assay, over HTTP, SSE and WebSocket.
//!
//! [`Gateway`] is given the use cases, a listener and a token, and serves until the token fires.
//! `routes.rs` is the table of contents. A handler reads its request, calls one use case and
//! renders the answer; `problem.rs` alone knows which HTTP status stands for which error.

mod access;
mod body;
mod cors;
mod description;
mod edge;
mod gateway;
mod handlers;
mod headers;
mod pace;
mod page_token;
mod problem;
mod query;
mod routes;
mod state;
mod stream;
mod wait;

pub use cors::Origins;
pub use gateway::{Exposition, Gateway, GatewayError, Settings, Surface};
pub use stream::StreamTimes;
