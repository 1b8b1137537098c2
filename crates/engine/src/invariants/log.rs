//! The log itself, and the row that is its fold.

use contracts::EventBody;
use contracts::event::LogEntry;

use super::{is_terminal, named};
use crate::job::{Identity, Job, Recorded};
use crate::ports::JobRecord;

/// The events of a log, or the first that this release cannot read.
pub(super) fn read(log: &[LogEntry]) -> Result<Vec<Recorded>, String> {
    let recorded = log.iter().map(|entry| {
        let LogEntry { version, time, attempt, ref kind, ref data } = *entry;
        let body = EventBody::from_parts(kind, data.clone())
            .ok_or_else(|| format!("version {version}, {kind}, is no event of this release"))?;
        Ok(Recorded { version, time, attempt, body })
    });
    recorded.collect()
}

pub(super) fn finding(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    // The types of the beginning and the numbers; and that nothing follows the end.
    if let Err(error) = replayed(record, log) {
        return Some(error.to_string());
    }
    let (newest, ends) = (log.last()?, log.iter().filter(|event| is_terminal(event)).count());
    if newest.version != record.job.version {
        return Some(format!(
            "the log ends with version {}, the row with {}",
            newest.version, record.job.version
        ));
    }
    let is_ended = record.job.is_ended();
    if (ends == 1) != is_ended {
        return Some(format!("the job is {} and its log has {ends} ends", record.job.state.name()));
    }
    log.windows(2).find_map(|pair| {
        let [before, event] = pair else { return None };
        if event.time < before.time {
            return Some(format!("{} is earlier than the event before it", named(event)));
        }
        match (&before.body, &event.body) {
            (_, EventBody::JobCreated(_)) => {
                Some(format!("{} does not begin the log", named(event)))
            }
            // Only that can follow an accepted cancel.
            (EventBody::JobCancelRequested(_), EventBody::JobCancelled(_)) => None,
            (EventBody::JobCancelRequested(_), _) => {
                Some(format!("{} follows an accepted cancel", named(event)))
            }
            _ => None,
        }
    })
}

pub(super) fn finding_of_row(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    // A log that is none is another rule's.
    let said = replayed(record, log).ok()?;
    let row = &record.job;
    let fields = [
        ("state", said.state == row.state),
        ("state_since", said.state_since == row.state_since),
        ("epoch", said.epoch == row.epoch),
        ("version", said.version == row.version),
        ("attempt", said.attempt == row.attempt),
        ("failures", said.failures == row.failures),
        ("max_attempts", said.max_attempts == row.max_attempts),
        ("crash_count", said.crash_count == row.crash_count),
        ("priority", said.priority == row.priority),
        ("created_at", said.created_at == row.created_at),
        ("started_at", said.started_at == row.started_at),
        ("deadline_at", said.deadline_at == row.deadline_at),
        ("queue_deadline_at", said.queue_deadline_at == row.queue_deadline_at),
        ("pipeline_version", said.pipeline_version == row.pipeline_version),
        ("output_chars", said.output_chars == row.output_chars),
        ("timeline", said.spent == row.spent),
        ("last_event_at", said.last_event_at == row.last_event_at),
    ];
    let other: Vec<&str> =
        fields.iter().filter(|(_, is_same)| !is_same).map(|(name, _)| *name).collect();
    (said != *row).then(|| format!("the row is not what its log makes of it: {}", other.join(", ")))
}

/// The job that the log describes. What is not in a log is the row's.
fn replayed(record: &JobRecord, log: &[Recorded]) -> Result<Job, crate::job::ReplayError> {
    let Job { id, ref tenant, trace, write_no, .. } = record.job;
    let identity = Identity { id, tenant: tenant.clone(), trace };
    Ok(Job { write_no, ..Job::replay(identity, log)? })
}
