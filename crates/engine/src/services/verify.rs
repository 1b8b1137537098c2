//! Checking a whole store, page by page, while it is in use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::{JobId, Timestamp};
use tokio::time::{Instant, sleep};

use super::sweep::LEASE;
use crate::invariants::{GRACE, Invariant, Violation, is_orphan, judge};
use crate::ports::{JobRecord, JobRecords, RecordPage, StoreError, StoredRecord, Watch};

/// Jobs in a page.
const PAGE_JOBS: usize = 200;
/// Jobs without a worker that are looked at again, at the most: a few prove as much as all.
const ORPHANS_MAX: usize = 20;
/// How often they are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Looks at the most, however often the sweeps pause and their watch begins anew.
const LOOKS_MAX: u32 = 60;
/// Without a sweep for this long nobody sweeps, and nobody will give them back.
const SWEEP_PATIENCE: Duration = Duration::from_secs(3);

/// One check of every job in a store.
pub struct Verification {
    records: Arc<dyn JobRecords>,
    stage: Stage,
    /// Jobs whose worker was unknown.
    orphans: BTreeMap<JobId, Orphan>,
}

/// What was checked since the last answer.
#[derive(Debug, Default)]
pub struct Checked {
    /// Jobs.
    pub jobs: u64,
    /// Events of their logs.
    pub events: u64,
    /// What they break.
    pub violations: Vec<Violation>,
}

enum Stage {
    /// Reading the page that follows this job.
    Page(Option<JobId>),
    /// Seeing whether orphans find a home.
    Orphans,
    Done,
}

/// A job that a sweep should give back.
#[derive(Clone, Copy)]
struct Orphan {
    epoch: u64,
    /// The newest sweep before it was seen.
    seen: Timestamp,
}

impl Verification {
    /// A check that has not begun.
    #[must_use]
    pub const fn of(records: Arc<dyn JobRecords>) -> Self {
        Self { records, stage: Stage::Page(None), orphans: BTreeMap::new() }
    }

    /// Checks the next page of jobs, in the order of their ids; `None` once all are checked. At the
    /// end, jobs whose worker was unknown are watched for as long as a lease, if somebody sweeps.
    ///
    /// # Errors
    /// The store's. Called again, it goes on with the same page.
    ///
    /// # Cancel safety
    /// Dropped, a page is read again by the next call; jobs without a worker are not watched again.
    pub async fn next(&mut self) -> Result<Option<Checked>, StoreError> {
        match self.stage {
            Stage::Page(after) => {
                let page = self.records.page(after, PAGE_JOBS).await?;
                self.stage = match page.records.last() {
                    Some(last) => Stage::Page(Some(last.id())),
                    None => Stage::Orphans,
                };
                Ok(Some(self.check(page)))
            }
            Stage::Orphans => {
                self.stage = Stage::Done;
                let violations = self.watch_orphans().await?;
                Ok(Some(Checked { violations, ..Checked::default() }))
            }
            Stage::Done => Ok(None),
        }
    }

    fn check(&mut self, page: RecordPage) -> Checked {
        let mut checked = Checked::default();
        for record in page.records {
            checked.jobs += 1;
            match record {
                StoredRecord::Unreadable { id, reason } => checked.violations.push(Violation {
                    invariant: Invariant::Readable,
                    job_id: id,
                    finding: reason,
                }),
                StoredRecord::Read(record) => {
                    checked.events += record.log.len() as u64;
                    checked.violations.extend(judge(&record, page.watch));
                    self.note(&record, page.watch);
                }
            }
        }
        checked
    }

    /// Keeps a job in mind whose worker is unknown. Its sweep may just be under way.
    fn note(&mut self, record: &JobRecord, watch: Option<Watch>) {
        if let Some(watch) = watch
            && is_orphan(record)
            && self.orphans.len() < ORPHANS_MAX
        {
            let orphan = Orphan { epoch: record.job.epoch, seen: watch.until };
            self.orphans.insert(record.job.id, orphan);
        }
    }

    /// Looks until every orphan was given back, or had a lease's time to be.
    async fn watch_orphans(&mut self) -> Result<Vec<Violation>, StoreError> {
        let mut violations = Vec::new();
        let (mut newest_sweep, mut noticed_at) = (None, Instant::now());
        for _ in 0..LOOKS_MAX {
            if self.orphans.is_empty() {
                break;
            }
            let ids: Vec<JobId> = self.orphans.keys().copied().collect();
            let page = self.records.again(&ids).await?;
            // Nobody sweeps any more: nothing is promised of them.
            let Some(watch) = page.watch else { break };
            if newest_sweep.replace(watch.until) != Some(watch.until) {
                noticed_at = Instant::now();
            } else if noticed_at.elapsed() > SWEEP_PATIENCE {
                break;
            }
            self.orphans.retain(|id, orphan| is_still(&page, *id, *orphan));
            let has_waited = |orphan: &Orphan| {
                orphan.seen.max(watch.since).after(LEASE).after(GRACE) < watch.until
            };
            if self.orphans.values().all(has_waited) {
                violations.extend(self.orphans.keys().map(|id| never_given_back(*id)));
                break;
            }
            sleep(LOOK_INTERVAL).await;
        }
        Ok(violations)
    }
}

fn is_still(page: &RecordPage, id: JobId, orphan: Orphan) -> bool {
    page.records.iter().any(|record| match record {
        StoredRecord::Read(record) => {
            record.job.id == id && record.job.epoch == orphan.epoch && is_orphan(record)
        }
        StoredRecord::Unreadable { .. } => false,
    })
}

fn never_given_back(job_id: JobId) -> Violation {
    let finding = "a worker that nobody knows holds it, and no sweep gives it back".to_owned();
    Violation { invariant: Invariant::Lease, job_id, finding }
}
