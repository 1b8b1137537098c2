use async_trait::async_trait;
use contracts::event::LogEntry;
use contracts::job::{Attempt, Step};
use contracts::{AnalysisResult, JobId, Problem, TenantId, Timestamp};

use super::StoreError;
use crate::job::Job;

/// Everything that is kept of jobs, of whatever tenant, as it is stored: for whoever checks a store
/// rather than uses it.
///
/// **Reading changes nothing**, not even a job that is overdue.
///
/// **Consistency.** A page shows the store as it was at one moment, while jobs move on.
///
/// **Bounds.** A page holds at most as many jobs as were asked for, and fewer where their logs are
/// long: no more events than a few jobs may have, or one job.
#[async_trait]
pub trait JobRecords: Send + Sync {
    /// The jobs that follow `after` in the order of their ids; the first ones without it. A page
    /// without records is behind the last job. Jobs that are accepted meanwhile come at the end.
    async fn page(&self, after: Option<JobId>, limit: usize) -> Result<RecordPage, StoreError>;

    /// These few jobs once more, in the order of their ids. Unknown jobs are left out.
    async fn again(&self, ids: &[JobId]) -> Result<RecordPage, StoreError>;
}

/// Jobs as they were at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordPage {
    /// The jobs, in the order of their ids.
    pub records: Vec<StoredRecord>,
    /// Since when, and until when, somebody looked after the jobs of this store.
    pub watch: Option<Watch>,
}

/// One job of a page.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredRecord {
    /// What is kept of it.
    Read(Box<JobRecord>),
    /// Something of it cannot be what a store wrote.
    Unreadable {
        /// The job.
        id: JobId,
        /// What cannot be read.
        reason: String,
    },
}

impl StoredRecord {
    /// The job.
    #[must_use]
    pub const fn id(&self) -> JobId {
        match self {
            Self::Read(record) => record.job.id,
            Self::Unreadable { id, .. } => *id,
        }
    }
}

/// What is kept of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Its row.
    pub job: Job,
    /// Whether its request is there.
    pub has_request: bool,
    /// Its log, in the order of the versions.
    pub log: Vec<LogEntry>,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Its steps, in the order of their first start.
    pub steps: Vec<Step>,
    /// The steps with a checkpoint, in the same order.
    pub checkpoints: Vec<String>,
    /// Its answer.
    pub result: Option<AnalysisResult>,
    /// Why it has none.
    pub error: Option<Problem>,
    /// Of each idempotency key that stands for it, whose key that is.
    pub key_owners: Vec<TenantId>,
    /// Whether it is remembered as deleted.
    pub has_tombstone: bool,
    /// When the worker that holds it was last heard of; `None` if none holds it, or one that the
    /// store does not know.
    pub holder_heard_at: Option<Timestamp>,
}

/// The time through which some process swept without a pause, by the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// When it began: with the first sweep after a time without a store, or without sweeps.
    pub since: Timestamp,
    /// The newest sweep.
    pub until: Timestamp,
}
