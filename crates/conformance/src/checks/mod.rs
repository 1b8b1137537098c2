//! The promises, one function each, a file a subject.

mod accept;
mod bodies;
mod cancel;
mod deadlines;
mod deletion;
mod errors;
mod idempotency;
mod list;
mod log;
mod many_jobs;
mod reading;
mod retry;
mod stream_rules;
mod streams;
mod tickets;

use crate::check::Check;

/// Every check, subject by subject, in the order of the contract.
pub(crate) const ALL: &[&[Check]] = &[
    accept::CHECKS,
    bodies::CHECKS,
    idempotency::CHECKS,
    reading::CHECKS,
    list::CHECKS,
    log::CHECKS,
    streams::CHECKS,
    stream_rules::CHECKS,
    many_jobs::CHECKS,
    cancel::CHECKS,
    retry::CHECKS,
    deadlines::CHECKS,
    deletion::CHECKS,
    tickets::CHECKS,
    errors::CHECKS,
];
