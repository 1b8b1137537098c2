//! What a store accepts.

use std::time::Duration;

use contracts::event::JobCreated;
use contracts::{EventBody, JobId, Submission, Timestamp, limits, truncate_json};

use super::{Committed, StepRecord};
use crate::job::Identity;

/// A job to accept.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id, tenant and trace. The same id submitted again is the same job.
    pub identity: Identity,
    /// What was asked.
    pub submission: Submission,
    /// The key that makes a repeated submission this job.
    pub idempotency: Option<IdempotencyKey>,
    /// From creation to the deadline.
    pub timeout: Duration,
    /// From creation to the latest first start.
    pub queue_timeout: Option<Duration>,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// Finished steps taken over from `retry_of`, with the events that tell of them.
    pub carried: Vec<StepRecord>,
    /// The events of the carried steps; they follow `job.created`.
    pub carried_events: Vec<EventBody>,
    /// The job is marked as hinted if fewer jobs than this are hinted and unclaimed and its tenant
    /// has no due job without a hint: then the caller sends the hint.
    pub hint_window: usize,
}

impl NewJob {
    /// The data of its `job.created` event.
    #[must_use]
    pub fn created(&self, now: Timestamp) -> JobCreated {
        let submission = &self.submission;
        JobCreated {
            company_name: submission.company_name.clone(),
            question: truncate_json(&submission.question, limits::EVENT_QUESTION_BYTES_MAX)
                .to_owned(),
            max_attempts: submission.max_attempts.unwrap_or(limits::MAX_ATTEMPTS_DEFAULT),
            priority: submission.priority.unwrap_or(limits::PRIORITY_DEFAULT),
            deadline_at: now.after(self.timeout),
            queue_deadline_at: self.queue_timeout.map(|timeout| now.after(timeout)),
            retry_of: self.retry_of,
        }
    }
}

/// A client's key for a submission, with what it was first used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request that it stands for.
    pub fingerprint: [u8; 32],
}

/// What became of a submission.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly every submission is the large one")]
pub enum Submitted {
    /// The job was accepted.
    Created {
        /// What was committed.
        committed: Committed,
        /// Whether the job is marked as hinted, so that the caller must send the hint.
        hinted: bool,
    },
    /// The key, or the id, belongs to a job accepted earlier: this one.
    Replayed(JobId),
    /// The key belongs to another request.
    KeyReused,
    /// The key, or the id, belongs to a job that was deleted.
    KeyGone,
}
