//! What makes a job the one that was accepted.

use crate::ports::JobRecord;

pub(super) fn finding(record: &JobRecord) -> Option<String> {
    let JobRecord { job, key_owners, .. } = record;
    if !record.has_request {
        return Some("its request is gone".to_owned());
    }
    if record.has_tombstone {
        return Some("the job is there, and remembered as deleted".to_owned());
    }
    if let Some(owner) = key_owners.iter().find(|owner| **owner != job.tenant) {
        return Some(format!("a key of tenant {owner} stands for a job of tenant {}", job.tenant));
    }
    (key_owners.len() > 1).then(|| format!("{} idempotency keys stand for it", key_owners.len()))
}
