use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::{Timestamp, WorkerId};
use engine::job::RETIRED_AFTER;

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
    workers: HashMap<WorkerId, Life>,
    /// When a live worker was last known to know each version of the workflow.
    known: BTreeMap<u32, Timestamp>,
    swept_at: Option<Timestamp>,
}

struct Life {
    heard_at: Timestamp,
    pipelines: Vec<u32>,
}

impl Leases {
    pub(crate) fn hear(&self, worker: WorkerId, pipelines: &[u32], now: Timestamp) {
        let mut content = self.lock();
        let new = || Life { heard_at: now, pipelines: Vec::new() };
        let life = content.workers.entry(worker).or_insert_with(new);
        life.heard_at = now.max(life.heard_at);
        life.pipelines = pipelines.to_vec();
    }

    pub(crate) fn forget(&self, worker: WorkerId) {
        self.lock().workers.remove(&worker);
    }

    /// Forgets every worker that was not heard of for `lease`.
    pub(crate) fn expire(&self, now: Timestamp, lease: Duration) {
        let mut content = self.lock();
        let was_asleep = content.swept_at.is_some_and(|at| now.since(at) > SWEEP_GAP);
        content.swept_at = Some(now);
        if was_asleep {
            content.workers.values_mut().for_each(|life| life.heard_at = now);
            content.known.values_mut().for_each(|known_at| *known_at = now);
        }
        content.workers.retain(|_, life| now.since(life.heard_at) < lease);
        let Content { workers, known, .. } = &mut *content;
        let versions = workers.values().flat_map(|life| &life.pipelines);
        known.extend(versions.map(|version| (*version, now)));
        known.retain(|_, known_at| now.since(*known_at) < RETIRED_AFTER);
    }

    /// Whether the worker was neither forgotten nor silent for too long.
    pub(crate) fn is_held(&self, worker: WorkerId) -> bool {
        self.lock().workers.contains_key(&worker)
    }

    /// The versions of the workflow that each live worker knows, and those that one knew within
    /// [`RETIRED_AFTER`]. What the former process's workers knew is forgotten with them: this
    /// process is the only one there is.
    pub(crate) fn workflows(&self, now: Timestamp) -> (Vec<Vec<u32>>, Vec<u32>) {
        let content = self.lock();
        let live = content.workers.values().map(|life| life.pipelines.clone()).collect();
        let is_fresh = |known_at: &Timestamp| now.since(*known_at) < RETIRED_AFTER;
        let remembered = content.known.iter().filter(|(_, known_at)| is_fresh(known_at));
        (live, remembered.map(|(version, _)| *version).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
