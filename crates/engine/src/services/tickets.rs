//! Letting whoever shows a ticket read some jobs.

use std::sync::Arc;
use std::time::Duration;

use contracts::{JobId, TenantId, Ticket, TicketJob, limits};
use tokio::sync::OnceCell;

use super::Jobs;
use super::query::Missing;
use crate::ports::{SecretStore, Snapshot, StoreError};
use crate::ticket::{ForgedTicket, Grant, TicketKey};

/// Why no ticket is issued.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// Some of the jobs are not there.
    #[error("{} of the jobs are not there", .0.len())]
    Missing(Vec<MissingJob>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job that was asked for and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingJob {
    /// Its place among those that were asked for, from 0.
    pub index: usize,
    /// Whether it was deleted, not long ago; else it is unknown, or another tenant's.
    pub is_gone: bool,
}

/// Why a ticket is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadTicketError {
    /// It is none of this system.
    #[error(transparent)]
    Forged(#[from] ForgedTicket),
    /// The key that it is checked with cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Jobs {
    /// A ticket for these jobs. Each is good for five minutes longer than its job may take, or
    /// from now if the job has ended.
    ///
    /// # Errors
    /// [`TicketError`].
    pub async fn issue_ticket(
        &self,
        tenant: &TenantId,
        ids: &[JobId],
    ) -> Result<Ticket, TicketError> {
        let (mut jobs, mut missing): (Vec<TicketJob>, _) = (Vec::new(), Vec::new());
        for (index, id) in ids.iter().enumerate() {
            if jobs.iter().any(|granted| granted.job_id == *id) {
                continue;
            }
            match self.store.get(tenant, *id).await? {
                Some(snapshot) => jobs.push(granted(&snapshot)),
                None => {
                    let is_gone = self.missing(tenant, *id).await? == Missing::Gone;
                    missing.push(MissingJob { index, is_gone });
                }
            }
        }
        if !missing.is_empty() {
            return Err(TicketError::Missing(missing));
        }
        let grant = Grant { tenant: tenant.clone(), jobs };
        let ticket = self.tickets.key().await?.sign(&grant);
        Ok(Ticket { ticket, jobs: grant.jobs })
    }

    /// What a ticket says.
    ///
    /// # Errors
    /// [`ReadTicketError`].
    pub async fn read_ticket(&self, ticket: &str) -> Result<Grant, ReadTicketError> {
        Ok(self.tickets.key().await?.read(ticket)?)
    }
}

/// The key of the system's tickets, once somebody has needed it.
#[derive(Clone)]
pub(super) struct Tickets {
    secrets: Arc<dyn SecretStore>,
    key: Arc<OnceCell<TicketKey>>,
}

impl Tickets {
    pub(super) fn over(secrets: Arc<dyn SecretStore>) -> Self {
        Self { secrets, key: Arc::default() }
    }

    async fn key(&self) -> Result<&TicketKey, StoreError> {
        let read = || async { Ok(TicketKey::new(self.secrets.ticket_key().await?)) };
        self.key.get_or_try_init(read).await
    }
}

fn granted(Snapshot { job, read_at, .. }: &Snapshot) -> TicketJob {
    let grace = Duration::from_secs(u64::from(limits::TICKET_GRACE_S));
    let until = if job.is_ended() { *read_at } else { job.deadline_at };
    TicketJob { job_id: job.id, expires_at: until.after(grace) }
}
