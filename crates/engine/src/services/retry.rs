//! Repeating a job that has ended, without repeating what is still good of it.

use contracts::event::{SourceRetrieved, StepCompleted};
use contracts::{EventBody, JobId, TenantId};
use sha2::{Digest as _, Sha256};

use super::Jobs;
use super::query::Missing;
use super::submit::{Accepted, SubmitError, SubmitOptions, new_job};
use crate::analysis::retrieve::Evidence;
use crate::analysis::tools::{ToolCalls, kind_of_part};
use crate::analysis::{PIPELINES, StepName, input_sha256};
use crate::ports::{IdempotencyKey, NewJob, Snapshot, StepRecord, StoreError};

/// Why a job is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no such job, or it is another tenant's.
    #[error("there is no such job")]
    NotFound,
    /// It was deleted, not long ago.
    #[error("the job was deleted")]
    Gone,
    /// It has not ended.
    #[error("the job has not ended: it is {}", .0.job.state.name())]
    NotTerminal(Box<Snapshot>),
    /// The new job was refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl From<StoreError> for RetryError {
    fn from(error: StoreError) -> Self {
        Self::Submit(SubmitError::Store(error))
    }
}

impl Jobs {
    /// Accepts a new job that asks the same. The leading steps of the old one that are done, of
    /// this release's workflow and of today's documents are taken over with their sources; the
    /// verification never is, so a job that was repeated always says something of its own.
    ///
    /// # Errors
    /// [`RetryError`].
    pub async fn retry(
        &self,
        tenant: &TenantId,
        id: JobId,
        options: SubmitOptions,
    ) -> Result<Accepted, RetryError> {
        let Some(old) = self.store.get(tenant, id).await? else {
            return Err(match self.missing(tenant, id).await? {
                Missing::NotFound => RetryError::NotFound,
                Missing::Gone => RetryError::Gone,
            });
        };
        if !old.job.is_ended() {
            return Err(RetryError::NotTerminal(Box::new(old)));
        }
        let fingerprint = Sha256::digest(format!("retry {id}")).into();
        let SubmitOptions { idempotency_key, trace } = options;
        let idempotency = idempotency_key.map(|key| IdempotencyKey { key, fingerprint });
        let mut new = new_job(tenant, old.submission.clone(), self.traced(trace), idempotency);
        new.retry_of = Some(id);
        self.carry_over(&old, &mut new).await?;
        Ok(self.accept(tenant, new).await?)
    }

    async fn carry_over(&self, old: &Snapshot, new: &mut NewJob) -> Result<(), StoreError> {
        let (tenant, id) = (&old.job.tenant, old.job.id);
        let generation = self.corpus.head(tenant).await?.generation;
        let done = self.store.checkpoints(tenant, id).await?.unwrap_or_default();
        let refused = old.error.as_ref().and_then(|error| error.step.as_deref());
        for record in done {
            let Some(step) = StepName::of(&record.step) else { break };
            let corpus_is_the_same = record.corpus_generation.is_none_or(|seen| seen == generation);
            let version = record.pipeline_version;
            // Its workers may be of the former release, and know no newer version.
            let is_of_one_workflow =
                new.carried.first().is_none_or(|first| first.pipeline_version == version);
            let is_current = PIPELINES.contains(&version)
                && is_of_one_workflow
                && record.input_sha256 == input_sha256(version, &record.step, &new.submission)
                && corpus_is_the_same;
            // An answer that was refused would be refused again.
            let was_refused = step == StepName::Synthesize && refused == Some("verify");
            if !is_current || was_refused || step == StepName::Verify {
                break;
            }
            if had_nothing_to_do(&record) {
                // The new job finds that out for itself.
                continue;
            }
            new.carried_events.extend(carried_events(step, &record, id));
            new.carried.push(record);
        }
        Ok(())
    }
}

/// Whether it is of tools that were not called.
fn had_nothing_to_do(record: &StepRecord) -> bool {
    record.step == StepName::Tools.as_str()
        && serde_json::from_str::<ToolCalls>(&record.output)
            .is_ok_and(|calls| calls.exchanges.is_empty())
}

/// The events that tell of a step taken over, its sources included.
fn carried_events(step: StepName, record: &StepRecord, from: JobId) -> Vec<EventBody> {
    let taken_over_from = Some(from);
    let mut events = vec![EventBody::StepCompleted(StepCompleted {
        step: record.step.clone(),
        kind: kind_of_part(&record.step).unwrap_or(step.kind()),
        duration_ms: 0,
        taken_over_from,
    })];
    if step == StepName::Retrieve
        && let Ok(evidence) = serde_json::from_str::<Evidence>(&record.output)
    {
        let sources = evidence.sources.into_iter();
        events.extend(
            sources.map(|source| {
                EventBody::SourceRetrieved(SourceRetrieved { source, taken_over_from })
            }),
        );
    }
    events
}
