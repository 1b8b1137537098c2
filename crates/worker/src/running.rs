//! The jobs that run in this process, and how to stop them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::JobId;
use engine::services::{StartGate, StopTokens};
use tokio::sync::Notify;

/// The running jobs with their stop tokens.
#[derive(Clone)]
pub(crate) struct Running {
    gate: StartGate,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    attempts: Mutex<HashMap<(JobId, u32), StopTokens>>,
    left: Notify,
}

impl Running {
    /// No job yet. What jobs call waits for the gate.
    pub(crate) fn behind(gate: StartGate) -> Self {
        Self { gate, shared: Arc::default() }
    }

    /// Adds an attempt at a job, until the entry is dropped. An attempt that has lost its lease
    /// may still be here when the next one begins.
    pub(crate) fn enter(&self, job_id: JobId, attempt: u32) -> Entry {
        let stop = StopTokens { gate: self.gate.clone(), ..StopTokens::default() };
        self.lock().insert((job_id, attempt), stop.clone());
        Entry { running: self.clone(), key: (job_id, attempt), stop }
    }

    /// Tells these jobs that they are cancelled. Those that do not run here are left out.
    pub(crate) fn cancel(&self, ids: &[JobId]) {
        for ((id, _), stop) in self.lock().iter() {
            if ids.contains(id) {
                stop.cancel.cancel();
            }
        }
    }

    /// Jobs that run.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
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

    fn lock(&self) -> MutexGuard<'_, HashMap<(JobId, u32), StopTokens>> {
        self.shared.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job's place among the running ones.
pub(crate) struct Entry {
    running: Running,
    key: (JobId, u32),
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
        self.running.lock().remove(&self.key);
        self.running.shared.left.notify_one();
    }
}
