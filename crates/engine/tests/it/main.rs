//! The rules of the job state machine, and how hints are sent, through the public door.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cancels;
mod circuit;
mod hints;
mod ingest;
mod invariants;
mod jobs;
mod properties;
mod state_table;
mod tools;
mod verification;
