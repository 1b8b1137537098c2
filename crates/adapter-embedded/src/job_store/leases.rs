use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::{Timestamp, WorkerId};

/// A sweep that comes later than this after the last one was itself asleep (a suspended laptop, a
/// stopped process), and so were the workers: their silence until then proves nothing.
const SWEEP_GAP: Duration = Duration::from_secs(2);

/// When each worker was last heard of. It lives in memory: after a restart every lease is void.
#[derive(Clone, Default)]
pub(crate) struct Leases {
    content: Arc<Mutex<Content>>,
}

#[derive(Default)]
struct Content {
    heard: HashMap<WorkerId, Timestamp>,
    swept_at: Option<Timestamp>,
}

impl Leases {
    pub(crate) fn hear(&self, worker: WorkerId, now: Timestamp) {
        let mut content = self.lock();
        let heard = content.heard.entry(worker).or_insert(now);
        *heard = now.max(*heard);
    }

    pub(crate) fn forget(&self, worker: WorkerId) {
        self.lock().heard.remove(&worker);
    }

    /// Forgets every worker that was not heard of for `lease`.
    pub(crate) fn expire(&self, now: Timestamp, lease: Duration) {
        let mut content = self.lock();
        let was_asleep = content.swept_at.is_some_and(|at| now.since(at) > SWEEP_GAP);
        content.swept_at = Some(now);
        if was_asleep {
            content.heard.values_mut().for_each(|heard| *heard = now);
        }
        content.heard.retain(|_, heard| now.since(*heard) < lease);
    }

    /// Whether the worker was neither forgotten nor silent for too long.
    pub(crate) fn is_held(&self, worker: WorkerId) -> bool {
        self.lock().heard.contains_key(&worker)
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
