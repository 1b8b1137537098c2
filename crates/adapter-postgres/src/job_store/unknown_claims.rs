use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::{JobId, WorkerId};

/// Claims kept at the most: more than a worker has slots.
const CLAIMS_MAX: usize = 1_024;

/// Claims whose reply was lost for good. If one was committed after all, its worker renews the
/// lease of a job that it does not run: the job is given back with the next sweep that can.
#[derive(Default)]
pub(crate) struct UnknownClaims {
    claims: Mutex<BTreeSet<(WorkerId, JobId)>>,
}

impl UnknownClaims {
    pub(crate) fn remember(&self, worker: WorkerId, id: JobId) {
        let mut claims = self.lock();
        if claims.len() < CLAIMS_MAX {
            claims.insert((worker, id));
        } else {
            tracing::error!(job_id = %id, "too many claims without a reply: this may never start");
        }
    }

    pub(crate) fn forget(&self, worker: WorkerId, id: JobId) {
        self.lock().remove(&(worker, id));
    }

    pub(crate) fn contains(&self, worker: WorkerId, id: JobId) -> bool {
        self.lock().contains(&(worker, id))
    }

    pub(crate) fn all(&self) -> Vec<(WorkerId, JobId)> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(WorkerId, JobId)>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
