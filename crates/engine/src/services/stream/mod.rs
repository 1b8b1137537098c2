//! Following a job: every subscriber sees exactly its log, in order, whatever the bus loses.
//!
//! [`Streams`] listens to the bus once per process and hands news to the [`Follower`]s of the job.
//! A follower attaches first and reads the log from its cursor; from then on it takes what the bus
//! brings, and reads the log again wherever something is missing: a hole in the versions, a queue
//! that overflowed because the reader is slow, a loss told by the bus. Every [`REPAIR_INTERVAL`]
//! one query asks for the heads of all followed logs, which covers news that were lost silently.
//!
//! A slow reader costs a bounded amount of memory, whatever its job writes, and slow readers
//! together take no more than [`SLOW_READS`] of the store's attention: everybody else's requests
//! find it free, and those who are up to date do not wait behind them for what the bus lost.

mod follower;
mod inbox;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use contracts::{Event, JobId, News, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use self::inbox::Inbox;
use crate::ports::{JobStore, LogHead, NewsItem, NewsStream, ProgressBus};

pub use self::follower::{FollowError, Follower};

/// How often the heads of all followed logs are compared.
const REPAIR_INTERVAL: Duration = Duration::from_secs(2);
/// Followers of this process that read on from the log at the same time, because their readers are
/// slow or catch up. The others wait, in the order in which they came. The first page of a stream is
/// a request like any other and waits for nobody.
const SLOW_READS: usize = 3;
/// Followers that read at the same time what the bus lost, and are up to date otherwise.
const LIVE_READS: usize = 3;

/// An event in the form in which it is sent, rendered once for all its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The event's number in its job's log.
    pub version: u64,
    /// Whether it ends the log.
    pub terminal: bool,
    /// The envelope as JSON, on one line.
    pub json: Arc<str>,
    /// When it was recorded, by the store's clock, if it is news to a reader that is up to date.
    pub news_of: Option<Timestamp>,
}

impl Rendered {
    fn of(event: &Event) -> Self {
        let json = serde_json::to_string(event).unwrap_or_default();
        Self {
            version: event.version(),
            terminal: event.is_terminal(),
            json: json.into(),
            news_of: Some(event.time),
        }
    }

    /// An event that a reader catches up on.
    fn replayed(event: &Event) -> Self {
        Self { news_of: None, ..Self::of(event) }
    }
}

/// Bytes that these events take to hold.
fn rendered_bytes(events: &VecDeque<Rendered>) -> usize {
    events.iter().map(|event| event.json.len()).sum()
}

/// The followers of this process, by job.
#[derive(Clone)]
pub struct Streams {
    followed: Arc<Mutex<HashMap<JobId, Vec<Weak<Inbox>>>>>,
    reads: LogReads,
}

impl Default for Streams {
    fn default() -> Self {
        let (slow, live) = (Semaphore::new(SLOW_READS), Semaphore::new(LIVE_READS));
        let reads = LogReads { slow: Arc::new(slow), live: Arc::new(live) };
        Self { followed: Arc::default(), reads }
    }
}

/// The turns of followers at the log.
#[derive(Clone)]
struct LogReads {
    slow: Arc<Semaphore>,
    live: Arc<Semaphore>,
}

impl LogReads {
    /// Waits for a turn.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line, and nothing else.
    async fn turn(&self, is_slow: bool) -> Option<SemaphorePermit<'_>> {
        let line = if is_slow { &self.slow } else { &self.live };
        // It is never closed; if it were, to read without a turn would be no loss.
        line.acquire().await.ok()
    }
}

impl Streams {
    /// No followers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands news from the bus to the followers until `stop`.
    pub async fn run(
        self,
        bus: Arc<dyn ProgressBus>,
        store: Arc<dyn JobStore>,
        stop: CancellationToken,
    ) {
        let mut news = bus.subscribe().await;
        // News published before the subscription were lost to whoever already follows.
        self.lost();
        let mut repair = tokio::time::interval(REPAIR_INTERVAL);
        repair.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                item = news.next() => match item {
                    Some(NewsItem::News(news)) => self.deliver(&news),
                    Some(NewsItem::Lost) => self.lost(),
                    None => news = self.resubscribe(bus.as_ref(), &stop).await,
                },
                _ = repair.tick() => self.repair(store.as_ref()).await,
            }
        }
    }

    async fn resubscribe(
        &self,
        bus: &dyn ProgressBus,
        stop: &CancellationToken,
    ) -> Box<dyn NewsStream> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(REPAIR_INTERVAL) => {}
        }
        let news = bus.subscribe().await;
        self.lost();
        news
    }

    fn deliver(&self, news: &News) {
        let inboxes = self.inboxes_of(news.job_id);
        if inboxes.is_empty() {
            return;
        }
        for event in &news.events {
            let rendered = Rendered::of(event);
            for inbox in &inboxes {
                inbox.push(rendered.clone());
            }
        }
    }

    fn lost(&self) {
        for inbox in self.all_inboxes() {
            inbox.look_at_log();
        }
    }

    async fn repair(&self, store: &dyn JobStore) {
        let ids: Vec<JobId> = {
            let mut followed = self.lock();
            followed.retain(|_, inboxes| {
                inboxes.retain(|inbox| inbox.strong_count() > 0);
                !inboxes.is_empty()
            });
            followed.keys().copied().collect()
        };
        if ids.is_empty() {
            return;
        }
        match store.heads(&ids).await {
            Ok(heads) => {
                let versions: HashMap<JobId, u64> =
                    heads.into_iter().map(|LogHead { id, version, .. }| (id, version)).collect();
                for id in ids {
                    for inbox in self.inboxes_of(id) {
                        match versions.get(&id) {
                            Some(version) => inbox.head_is(*version),
                            // Deleted: whoever looks is told.
                            None => inbox.look_at_log(),
                        }
                    }
                }
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "followed logs could not be compared"
            ),
        }
    }

    fn attach(&self, id: JobId, after: u64) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::new(after));
        self.lock().entry(id).or_default().push(Arc::downgrade(&inbox));
        inbox
    }

    fn inboxes_of(&self, id: JobId) -> Vec<Arc<Inbox>> {
        let followed = self.lock();
        followed.get(&id).into_iter().flatten().filter_map(Weak::upgrade).collect()
    }

    fn all_inboxes(&self) -> Vec<Arc<Inbox>> {
        self.lock().values().flatten().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Vec<Weak<Inbox>>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
