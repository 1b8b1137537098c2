//! The jobs of a store that this process uses itself.

use contracts::{Job, JobId, Submission, TenantId};
use engine::ports::{JobFilter, PageCursor};
use engine::services::{
    Accepted as Durable, CancelAnswer, Follower, Jobs, ListQuery, SubmitOptions,
};

use super::error::ClientError;
use super::{Accepted, Page, Place};
use crate::corpus;
use crate::system::{Role, Running, System};

/// The use cases of this process, as one tenant.
pub(crate) struct Local {
    system: System,
    /// What this process does while a job is followed.
    role: Role,
    running: Option<Running>,
}

impl Local {
    /// The jobs of this system.
    pub(super) fn over(system: System, role: Role) -> Self {
        Self { system, role, running: None }
    }

    /// Whether the jobs wait for a process that works on them.
    pub(super) fn nobody_works(&self) -> bool {
        self.role == Role::All && self.running.is_none()
    }

    pub(super) async fn submit(
        &self,
        submission: Submission,
        key: &str,
    ) -> Result<Accepted, ClientError> {
        let options =
            SubmitOptions { idempotency_key: Some(key.to_owned()), ..SubmitOptions::default() };
        self.shown(self.jobs().submit(self.tenant(), submission, options).await?).await
    }

    pub(super) async fn get(&self, id: JobId) -> Result<Job, ClientError> {
        Ok(self.jobs().get(self.tenant(), id).await?)
    }

    pub(super) async fn page(
        &self,
        filter: &JobFilter,
        page_size: usize,
        cursor: Option<PageCursor>,
    ) -> Result<Page, ClientError> {
        let query = ListQuery { filter: filter.clone(), cursor, page_size };
        let (jobs, next) = self.jobs().list(self.tenant(), &query).await?;
        Ok(Page { jobs, next: next.map(Place::Cursor) })
    }

    pub(super) async fn cancel(
        &self,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Job, ClientError> {
        match self.jobs().cancel(self.tenant(), id, reason).await? {
            CancelAnswer::Cancelled(job) | CancelAnswer::Cancelling(job) => Ok(*job),
        }
    }

    pub(super) async fn retry(&self, id: JobId, key: &str) -> Result<Accepted, ClientError> {
        let options = SubmitOptions { idempotency_key: Some(key.to_owned()), trace: None };
        self.shown(self.jobs().retry(self.tenant(), id, options).await?).await
    }

    pub(super) async fn follow(&mut self, id: JobId, after: u64) -> Result<Follower, ClientError> {
        if self.running.is_none() {
            if self.role == Role::All {
                let System { tenant, ports, ingest, .. } = &self.system;
                let loaded = corpus::load_if_empty(tenant, ports.corpus.as_ref(), ingest);
                loaded.await.map_err(ClientError::System)?;
            }
            self.running = Some(self.system.start(self.role));
        }
        Ok(self.jobs().follow(self.tenant(), id, after).await?)
    }

    pub(super) async fn close(self) {
        if let Some(running) = self.running {
            running.stop().await;
        }
    }

    fn jobs(&self) -> &Jobs {
        &self.system.jobs
    }

    fn tenant(&self) -> &TenantId {
        &self.system.tenant
    }

    async fn shown(&self, durable: Durable) -> Result<Accepted, ClientError> {
        let Durable { snapshot, replayed } = durable;
        Ok(Accepted { job: self.jobs().show(snapshot).await?, replayed })
    }
}
