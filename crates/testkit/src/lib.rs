//! What every adapter is tested with.
//!
//! One conformance suite a port, written against the port alone: [`job_store`], [`job_records`],
//! [`document_store`], [`secret_store`], [`hint_queue`] and [`progress_bus`]. An adapter implements
//! the suite's harness and names it in the suite's macro, which makes one test of each rule, so
//! that a failure names the rule.
//!
//! [`servers`] starts the servers that adapters are tested against, [`provider`] one that stands in
//! for a provider of language models; [`loopback`] has ports for them, and ports where nobody is.

pub mod build;
pub mod bus;
pub mod certificates;
pub mod clock;
pub mod document_store;
mod eventually;
pub mod former;
pub mod hint_queue;
pub mod job_records;
pub mod job_store;
pub mod loopback;
pub mod pdf;
pub mod progress_bus;
pub mod proof;
pub mod provider;
pub mod secret_store;
pub mod servers;
mod skip;
mod suite;

pub use eventually::eventually;
pub use skip::skip;
