use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::News;
use telemetry::metrics::messages::{self, Destination, Unsent};
use tokio::sync::Notify;

use crate::wire::NewsMessage;

/// News that wait to be sent. Past that the oldest are dropped, and whoever listens is told.
const WAITING_MAX: usize = 4_096;
/// News in one message.
const BATCH_MAX: usize = 256;

/// News that were published and not sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    content: Mutex<Content>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Content {
    waiting: VecDeque<News>,
    lost: bool,
}

impl Outbox {
    /// Puts news in. The oldest make room.
    pub(super) fn put(&self, news: News) {
        let mut content = self.lock();
        if content.waiting.len() >= WAITING_MAX {
            content.waiting.pop_front();
            content.lost = true;
            dropped(Unsent::Dropped, 1);
        }
        content.waiting.push_back(news);
        drop(content);
        self.filled.notify_one();
    }

    /// The next message, if there is anything to say.
    pub(super) fn take(&self) -> Option<NewsMessage> {
        let mut content = self.lock();
        if content.waiting.is_empty() {
            return None;
        }
        let count = content.waiting.len().min(BATCH_MAX);
        let news = content.waiting.drain(..count).collect();
        Some(NewsMessage::new(std::mem::take(&mut content.lost), news))
    }

    /// Drops what waits.
    pub(super) fn forget(&self) {
        let mut content = self.lock();
        content.lost |= !content.waiting.is_empty();
        dropped(Unsent::NoConnection, content.waiting.len());
        content.waiting.clear();
    }

    /// Waits until something may have been put in.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn dropped(why: Unsent, count: usize) {
    if count > 0 {
        messages::sent(Destination::Progress, Err(why), count);
    }
}

#[cfg(test)]
mod tests {
    use contracts::JobId;

    use super::*;

    fn news() -> News {
        News { job_id: JobId::new(), events: Vec::new() }
    }

    #[test]
    fn a_full_outbox_drops_the_oldest_and_says_so_once() {
        let outbox = Outbox::default();
        let all: Vec<News> = (0..=WAITING_MAX).map(|_| news()).collect();
        all.iter().for_each(|news| outbox.put(news.clone()));
        let first = outbox.take().unwrap();
        assert!(first.lost);
        assert_eq!(first.news, all[1..=BATCH_MAX]);
        let mut rest = Vec::new();
        while let Some(message) = outbox.take() {
            assert!(!message.lost);
            rest.extend(message.news);
        }
        assert_eq!(rest, all[BATCH_MAX + 1..]);
    }

    #[test]
    fn what_is_forgotten_is_told_as_lost() {
        let outbox = Outbox::default();
        outbox.forget();
        outbox.put(news());
        assert!(!outbox.take().unwrap().lost);
        outbox.put(news());
        outbox.forget();
        assert!(outbox.take().is_none());
        outbox.put(news());
        assert!(outbox.take().unwrap().lost);
    }
}
