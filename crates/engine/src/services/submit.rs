//! Accepting a job.

use std::sync::Arc;
use std::time::Duration;

use contracts::job::{Step, StepState, Usage};
use contracts::{EventBody, FieldError, Hint, JobId, Submission, TenantId, TraceContext, limits};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::{HINT_WINDOW, Jobs, dispatch};
use crate::job::{Identity, Job};
use crate::ports::{Committed, HintQueue, IdempotencyKey, NewJob, Snapshot, StoreError, Submitted};

/// What comes with a submission beside its body.
#[derive(Debug, Clone, Default)]
pub struct SubmitOptions {
    /// The key that makes a repetition the same job.
    pub idempotency_key: Option<String>,
    /// The caller's trace; a new one if absent.
    pub trace: Option<TraceContext>,
}

/// A job that is durable.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The job.
    pub snapshot: Snapshot,
    /// Whether it had been accepted before, under the same key.
    pub replayed: bool,
}

/// Why a submission is refused. Nothing was stored, unless the store's outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It asks for what this server does not have.
    #[error("the request is invalid")]
    Invalid(Vec<FieldError>),
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The key's job was deleted.
    #[error("the job of this idempotency key was deleted")]
    Gone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Jobs {
    /// Accepts a job. It is durable when this returns.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(
        &self,
        tenant: &TenantId,
        submission: Submission,
        options: SubmitOptions,
    ) -> Result<Accepted, SubmitError> {
        self.check(&submission)?;
        let idempotency = options
            .idempotency_key
            .map(|key| IdempotencyKey { key, fingerprint: fingerprint(&submission) });
        let new = new_job(tenant, submission, self.traced(options.trace), idempotency);
        self.accept(tenant, new).await
    }

    /// The trace that a job belongs to: the caller's, else one that begins with it.
    pub(super) fn traced(&self, caller: Option<TraceContext>) -> TraceContext {
        caller.unwrap_or_else(|| TraceContext::begin(self.trace_ratio))
    }

    /// Refuses what this server cannot do.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`].
    pub fn check(&self, submission: &Submission) -> Result<(), SubmitError> {
        let mut errors = Vec::new();
        if let Some(model) = &submission.model
            && !self.models.contains(model)
        {
            let known = self.models.join(", ");
            let detail = format!("there is no such model here; known: {known}");
            errors.push(FieldError { pointer: "/model".to_owned(), detail });
        }
        if submission.webhook.is_some() {
            let detail = "this server sends no webhooks: follow the job's events".to_owned();
            errors.push(FieldError { pointer: "/webhook".to_owned(), detail });
        }
        if errors.is_empty() { Ok(()) } else { Err(SubmitError::Invalid(errors)) }
    }

    /// Stores a job, tells the gateways and wakes a worker. Nothing that fails after the commit
    /// fails the submission: the client would send it again, and have two jobs.
    ///
    /// A job that is to have its hint from here needs a permit to send it; without one, or without
    /// a queue, it is not marked as hinted and the refill finds it.
    pub(super) async fn accept(
        &self,
        tenant: &TenantId,
        mut new: NewJob,
    ) -> Result<Accepted, SubmitError> {
        let (submission, retry_of) = (new.submission.clone(), new.retry_of);
        let permit = self.hints.permit(self.queue.as_ref());
        if permit.is_none() {
            new.hint_window = 0;
        }
        match self.store.submit(new).await? {
            Submitted::Created { committed, hinted } => {
                if let (true, Some(permit)) = (hinted, permit) {
                    let Job { id, trace, .. } = &committed.job;
                    self.hint(Hint::of(*id).in_trace(*trace), permit);
                }
                self.announce(&committed).await;
                let snapshot = newborn(committed, submission, retry_of);
                Ok(Accepted { snapshot, replayed: false })
            }
            Submitted::Replayed(id) => {
                let snapshot = self.store.get(tenant, id).await?.ok_or(SubmitError::Gone)?;
                Ok(Accepted { snapshot, replayed: true })
            }
            Submitted::KeyReused => Err(SubmitError::KeyReused),
            Submitted::KeyGone => Err(SubmitError::Gone),
        }
    }

    /// Sends a hint, off the request's path. One that cannot be sent is given back, and one that
    /// is lost with the process is sent again: the refill sees to both.
    fn hint(&self, hint: Hint, permit: OwnedSemaphorePermit) {
        let (store, queue) = (Arc::clone(&self.store), Arc::clone(&self.queue));
        self.hints.tasks.spawn(async move {
            let _permit = permit;
            let unsent = dispatch::send(queue.as_ref(), vec![hint]).await;
            if !unsent.is_empty()
                && let Err(error) = store.unhint(&unsent).await
            {
                tracing::warn!(
                    job_id = %hint.job_id,
                    error = &error as &dyn std::error::Error,
                    "hint not given back"
                );
            }
        });
    }
}

/// The hints of submissions on their way to the queue: a window's worth at the most.
#[derive(Clone)]
pub(super) struct HintsUnderWay {
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl HintsUnderWay {
    /// The right to send one; none while the queue is out, or takes longer than jobs arrive.
    fn permit(&self, queue: &dyn HintQueue) -> Option<OwnedSemaphorePermit> {
        if dispatch::is_out(queue) {
            return None;
        }
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }
}

impl Default for HintsUnderWay {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(HINT_WINDOW)), tasks: TaskTracker::new() }
    }
}

/// A job as it was committed a moment ago, with the steps that it took over.
fn newborn(committed: Committed, submission: Submission, retry_of: Option<JobId>) -> Snapshot {
    let Committed { before: _, job, events } = committed;
    let at = job.created_at;
    let steps = events.iter().filter_map(|event| match event.body() {
        Some(EventBody::StepCompleted(data)) => Some(Step {
            step: data.step,
            kind: data.kind,
            state: StepState::Completed,
            attempt: 0,
            started_at: at,
            finished_at: Some(at),
        }),
        Some(_) | None => None,
    });
    Snapshot {
        submission,
        retry_of,
        attempts: Vec::new(),
        steps: steps.collect(),
        result: None,
        error: None,
        usage: Usage::default(),
        read_at: at,
        job,
    }
}

pub(super) fn new_job(
    tenant: &TenantId,
    submission: Submission,
    trace: TraceContext,
    idempotency: Option<IdempotencyKey>,
) -> NewJob {
    let seconds = |s: u32| Duration::from_secs(u64::from(s));
    NewJob {
        identity: Identity { id: JobId::new(), tenant: tenant.clone(), trace },
        idempotency,
        timeout: seconds(submission.timeout_s.unwrap_or(limits::TIMEOUT_S_DEFAULT)),
        queue_timeout: submission.queue_timeout_s.map(seconds),
        submission,
        retry_of: None,
        carried: Vec::new(),
        carried_events: Vec::new(),
        hint_window: HINT_WINDOW,
    }
}

/// SHA-256 of the request as it was sent: trimmed, defaults not filled in, fields in one order.
pub(super) fn fingerprint(submission: &Submission) -> [u8; 32] {
    let json = serde_json::to_vec(submission).unwrap_or_default();
    Sha256::digest(json).into()
}
