//! The embedded system as its clients see it: gateway, workers and store in one process, with the
//! scripted model.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cli;
mod client;
mod client_commands;
#[cfg(feature = "fleet")]
mod clients;
mod codes;
#[cfg(feature = "fleet")]
mod compose;
mod conformance;
mod crashes;
mod deletions;
mod descriptors;
mod doctor;
mod fake_server;
mod filings;
#[cfg(feature = "fleet")]
mod fleet;
#[cfg(all(feature = "fleet", feature = "faults"))]
mod fleet_faults;
mod hostile;
mod hostile_files;
mod jobs;
mod ledger;
mod lifecycle;
mod many_jobs;
mod models;
mod process;
mod published;
mod restart;
mod rules;
mod sse;
mod streams;
mod system;
mod tickets;
mod tools;
#[cfg(feature = "fleet")]
mod verify;
mod websocket;
