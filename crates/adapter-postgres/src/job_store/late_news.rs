use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::Committed;

/// News kept at the most. Beyond that the oldest go: readers find their events in the log.
const NEWS_MAX: usize = 1_024;

/// What reads committed when they met an overdue job, until a sweep takes it along.
#[derive(Default)]
pub(crate) struct LateNews {
    waiting: Mutex<VecDeque<Committed>>,
}

impl LateNews {
    pub(crate) fn push(&self, news: Option<Committed>) {
        let mut waiting = self.lock();
        waiting.extend(news);
        let too_many = waiting.len().saturating_sub(NEWS_MAX);
        waiting.drain(..too_many);
    }

    pub(crate) fn take(&self) -> Vec<Committed> {
        self.lock().drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Committed>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
