//! What a job is and what may happen to it.
//!
//! [`job`] is the pure state machine of a job, [`reading`] that of a document, [`retry`] the pure
//! retry policy, [`circuit`] the pure circuit breaker, [`ticket`] what a ticket says,
//! [`invariants`] what holds of every job in a store, [`schema`] which stores a program serves,
//! [`analysis`] the workflow, [`ports`] what the engine needs from outside, and [`services`] the use
//! cases. There is no HTTP, no SQL and no AMQP here.
#![warn(missing_docs)]

pub mod analysis;
pub mod circuit;
mod company;
mod error_class;
pub mod faults;
pub mod invariants;
pub mod job;
pub mod ports;
pub mod reading;
pub mod retry;
pub mod schema;
pub mod services;
pub mod ticket;

pub use company::company_key;
pub use error_class::ErrorClass;
