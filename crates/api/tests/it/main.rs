//! The gateway over a store in memory, which the tests move on and break at will.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod deletions;
mod drain;
mod faults;
mod http;
mod many_jobs;
mod metrics;
mod openapi;
mod other_ports;
mod overdue;
mod refusals;
mod server;
mod sse;
mod store;
mod stream_limits;
mod tickets;
mod websocket;
