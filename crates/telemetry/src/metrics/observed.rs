//! What gauges are read from.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something that gauges show for as long as this is held.
#[must_use = "it is shown only while this is held"]
pub struct Observation {
    _source: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation").finish_non_exhaustive()
    }
}

type Source<T> = dyn Fn() -> T + Send + Sync;

/// The sources of a gauge in this process: as many as there are workers, pools or streams in it.
pub(super) struct Sources<T> {
    all: Mutex<Vec<Weak<Source<T>>>>,
}

impl<T: 'static> Sources<T> {
    pub(super) const fn none() -> Self {
        Self { all: Mutex::new(Vec::new()) }
    }

    /// Adds one, until what is returned is dropped. It is called by whoever collects: it must be
    /// short, and wait for nothing.
    pub(super) fn add(&self, source: impl Fn() -> T + Send + Sync + 'static) -> Observation {
        let source = Arc::new(source);
        let weak: Weak<Source<T>> = Arc::downgrade(&(Arc::clone(&source) as Arc<Source<T>>));
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|source| source.strong_count() > 0);
        all.push(weak);
        Observation { _source: source }
    }

    /// What they all say now.
    pub(super) fn read(&self) -> Vec<T> {
        let alive: Vec<Arc<Source<T>>> = {
            let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        alive.iter().map(|source| source()).collect()
    }
}
