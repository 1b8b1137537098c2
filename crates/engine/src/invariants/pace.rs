//! Whether what must happen in time does. Only time through which somebody swept counts: without a
//! store, or without a process, nobody could have moved the job on.

use std::time::Duration;

use contracts::Timestamp;

use crate::job::{CANCEL_GRACE_MS, State};
use crate::ports::{JobRecord, Watch};
use crate::services::sweep::LEASE;

/// How much later than at its time a thing may happen.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// What is not over though its time is.
pub(super) fn late(record: &JobRecord, watch: Watch) -> Option<String> {
    let job = &record.job;
    if job.is_ended() {
        return None;
    }
    let before_start = job.queue_deadline_at.filter(|_| job.attempt == 0);
    let deadline = before_start.map_or(job.deadline_at, |at| at.min(job.deadline_at));
    if has_passed(deadline, watch) {
        return Some(format!("the job is {} and its deadline was {deadline}", job.state.name()));
    }
    match job.state {
        State::Cancelling { requested_at, .. }
            if has_passed(requested_at.after(Duration::from_millis(CANCEL_GRACE_MS)), watch) =>
        {
            Some(format!("a cancel was accepted at {requested_at} and is not settled"))
        }
        State::Queued
        | State::Running { .. }
        | State::Retrying { .. }
        | State::Cancelling { .. }
        | State::Ended(_) => None,
    }
}

/// A worker that still holds the job and was not heard of for longer than its lease.
pub(super) fn silent(record: &JobRecord, watch: Watch) -> Option<String> {
    let worker = record.job.state.worker()?;
    let heard_at = record.holder_heard_at?;
    // After a time without sweeps every lease begins anew.
    has_passed(heard_at.max(watch.since).after(LEASE), watch)
        .then(|| format!("worker {worker} holds it and was last heard of at {heard_at}"))
}

/// Whether the worker that holds the job is unknown. The next sweep gives the job back: only if
/// that does not happen, something is wrong.
#[must_use]
pub fn is_orphan(record: &JobRecord) -> bool {
    record.job.state.worker().is_some() && record.holder_heard_at.is_none()
}

/// Whether somebody swept until later than `at` and the grace, counted from the beginning of the
/// watch where it began later.
fn has_passed(at: Timestamp, watch: Watch) -> bool {
    at.max(watch.since).after(GRACE) < watch.until
}
