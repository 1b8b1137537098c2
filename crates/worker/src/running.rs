//! The jobs that run in this process, and how to stop them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::JobId;
use engine::services::StopTokens;
use tokio::sync::Notify;

/// The running jobs with their stop tokens.
#[derive(Clone, Default)]
pub(crate) struct Running {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    jobs: Mutex<HashMap<JobId, StopTokens>>,
    left: Notify,
}

impl Running {
    /// Adds a job, until the entry is dropped.
    pub(crate) fn enter(&self, job_id: JobId) -> Entry {
        let stop = StopTokens::default();
        self.lock().insert(job_id, stop.clone());
        Entry { running: self.clone(), job_id, stop }
    }

    /// Tells these jobs that they are cancelled. Those that do not run here are left out.
    pub(crate) fn cancel(&self, ids: &[JobId]) {
        let jobs = self.lock();
        for stop in ids.iter().filter_map(|id| jobs.get(id)) {
            stop.cancel.cancel();
        }
    }

    /// Tells every job to hand itself over.
    pub(crate) fn hand_over(&self) {
        for stop in self.lock().values() {
            stop.drain.cancel();
        }
    }

    /// Waits until no job runs, for `limit` at the most.
    pub(crate) async fn until_empty(&self, limit: Duration) {
        let empty = async {
            loop {
                let left = self.shared.left.notified();
                if self.lock().is_empty() {
                    return;
                }
                left.await;
            }
        };
        if tokio::time::timeout(limit, empty).await.is_err() {
            tracing::info!(jobs = self.lock().len(), "jobs still running after {limit:?}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, StopTokens>> {
        self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job's place among the running ones.
pub(crate) struct Entry {
    running: Running,
    job_id: JobId,
    stop: StopTokens,
}

impl Entry {
    /// What tells the job to stop.
    pub(crate) const fn stop(&self) -> &StopTokens {
        &self.stop
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.lock().remove(&self.job_id);
        self.running.shared.left.notify_one();
    }
}
