//! What becomes of jobs whose worker is unknown while a store is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use contracts::JobId;
use engine::invariants::{Invariant, Violation};
use engine::job::Change;
use engine::ports::{JobRecords, RecordPage, StoreError, StoredRecord, Watch};
use engine::services::Verification;

use crate::jobs::{Terms, create, record, second, worker};

/// Records of one running job whose worker is unknown.
struct OneOrphan {
    /// Seconds that pass for the sweepers between two looks.
    swept_s: u32,
    /// The look at which its worker is known again.
    known_at: u32,
    looks: AtomicU32,
}

impl OneOrphan {
    fn look(&self) -> RecordPage {
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let (mut job, created) =
            create(Terms { max_attempts: 3, timeout_s: 600, queue_timeout_s: None });
        let start = Change::Start { worker: worker(1), pipeline_version: 1 };
        let started = job.change(start, second(1)).unwrap();
        let log = [created].into_iter().chain(started);
        let mut record = record(job, log);
        record.holder_heard_at = (look >= self.known_at).then(|| second(i64::from(look)));
        let until = second(i64::from(10 + look * self.swept_s));
        RecordPage {
            records: vec![StoredRecord::Read(Box::new(record))],
            watch: Some(Watch { since: second(0), until }),
        }
    }
}

#[async_trait]
impl JobRecords for OneOrphan {
    async fn page(&self, after: Option<JobId>, _: usize) -> Result<RecordPage, StoreError> {
        Ok(if after.is_none() { self.look() } else { RecordPage::default() })
    }

    async fn again(&self, _: &[JobId]) -> Result<RecordPage, StoreError> {
        Ok(self.look())
    }
}

/// Checks everything; returns the violations, and how long it took.
async fn check(swept_s: u32, known_at: u32) -> (Vec<Violation>, Duration) {
    let began = tokio::time::Instant::now();
    let records = OneOrphan { swept_s, known_at, looks: AtomicU32::new(0) };
    let mut verification = Verification::of(Arc::new(records));
    let (mut jobs, mut violations) = (0, Vec::new());
    while let Some(checked) = verification.next().await.unwrap() {
        jobs += checked.jobs;
        violations.extend(checked.violations);
    }
    assert_eq!(jobs, 1);
    (violations, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_job_that_no_sweep_gives_back_for_a_lease_and_5_s_breaks_a_rule() {
    let (violations, took) = check(1, u32::MAX).await;
    let rules: Vec<_> = violations.iter().map(|violation| violation.invariant).collect();
    assert_eq!(rules, [Invariant::Lease]);
    assert!(took >= Duration::from_secs(15) && took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_given_back_meanwhile_breaks_none() {
    let (violations, took) = check(1, 5).await;
    assert_eq!(violations, []);
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_of_a_store_that_nobody_sweeps_breaks_none() {
    let (violations, took) = check(0, u32::MAX).await;
    assert_eq!(violations, []);
    assert!(took < Duration::from_secs(6), "{took:?}");
}
