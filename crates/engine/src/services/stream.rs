//! Following a job: every subscriber sees exactly its log, in order, whatever the bus loses.
//!
//! [`Streams`] listens to the bus once per process and hands news to the [`Follower`]s of the job.
//! A follower attaches first and reads the log from its cursor; from then on it takes what the bus
//! brings, and reads the log again wherever something is missing: a hole in the versions, a queue
//! that overflowed because the reader is slow, a loss told by the bus. Every [`REPAIR_INTERVAL`]
//! one query asks for the heads of all followed logs, which covers news that were lost silently.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use contracts::stream::StreamMode;
use contracts::{Event, JobId, News, StreamControl, TenantId, limits};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Jobs;
use crate::ports::{JobStore, LogHead, LogSlice, NewsItem, NewsStream, ProgressBus, StoreError};

/// How often the heads of all followed logs are compared.
const REPAIR_INTERVAL: Duration = Duration::from_secs(2);
/// Events read from the log at a time.
const LOG_PAGE: usize = 64;

/// An event in the form in which it is sent, rendered once for all its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The event's number in its job's log.
    pub version: u64,
    /// Whether it ends the log.
    pub terminal: bool,
    /// The envelope as JSON, on one line.
    pub json: Arc<str>,
}

impl Rendered {
    fn of(event: &Event) -> Self {
        let json = serde_json::to_string(event).unwrap_or_default();
        Self { version: event.version(), terminal: event.is_terminal(), json: json.into() }
    }
}

/// Why a job cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// There is no such job, or it is another tenant's.
    #[error("there is no such job")]
    NotFound,
    /// The cursor is beyond the newest event.
    #[error("the cursor {after} is ahead of the log, which ends at {head}")]
    CursorAhead {
        /// The cursor.
        after: u64,
        /// The newest version.
        head: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The followers of this process, by job.
#[derive(Clone, Default)]
pub struct Streams {
    followed: Arc<Mutex<HashMap<JobId, Vec<Weak<Inbox>>>>>,
}

impl Streams {
    /// No followers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands news from the bus to the followers until `stop`.
    pub async fn run(&self, bus: &dyn ProgressBus, store: &dyn JobStore, stop: CancellationToken) {
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
                    None => news = self.resubscribe(bus, &stop).await,
                },
                _ = repair.tick() => self.repair(store).await,
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
                for LogHead { id, version, .. } in heads {
                    for inbox in self.inboxes_of(id) {
                        inbox.head_is(version);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "followed logs could not be compared"),
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

/// What the bus brought for one follower, bounded.
struct Inbox {
    content: Mutex<InboxContent>,
    filled: Notify,
}

struct InboxContent {
    events: VecDeque<Rendered>,
    bytes: usize,
    /// The newest version that the follower has or will find in `events`.
    seen: u64,
    /// Something is missing in `events`: the log has it.
    incomplete: bool,
}

impl Inbox {
    fn new(after: u64) -> Self {
        let content =
            InboxContent { events: VecDeque::new(), bytes: 0, seen: after, incomplete: false };
        Self { content: Mutex::new(content), filled: Notify::new() }
    }

    /// Full inboxes forget: the reader is slow and reads on from the log at its own pace.
    fn push(&self, event: Rendered) {
        let mut content = self.lock();
        let full = content.bytes + event.json.len() > limits::STREAM_BUFFER_BYTES_MAX;
        if full || content.incomplete {
            content.events.clear();
            content.bytes = 0;
            content.incomplete = true;
        } else {
            content.bytes += event.json.len();
            content.seen = content.seen.max(event.version);
            content.events.push_back(event);
        }
        drop(content);
        self.filled.notify_one();
    }

    fn head_is(&self, version: u64) {
        if self.lock().seen < version {
            self.look_at_log();
        }
    }

    fn look_at_log(&self) {
        self.lock().incomplete = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, InboxContent> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reader of one job's log.
pub struct Follower {
    store: Arc<dyn JobStore>,
    tenant: TenantId,
    id: JobId,
    ready: StreamControl,
    cursor: u64,
    ended: bool,
    page: VecDeque<Rendered>,
    /// The log has something that neither `page` nor the inbox has.
    must_read: bool,
    inbox: Arc<Inbox>,
}

impl Jobs {
    /// Follows a job's log after version `after`.
    ///
    /// # Errors
    /// [`FollowError`].
    pub async fn follow(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
    ) -> Result<Follower, FollowError> {
        // Attached before the log is read, so that nothing falls between the two.
        let inbox = self.streams.attach(id, after);
        let slice =
            self.store.log(tenant, id, after, LOG_PAGE).await?.ok_or(FollowError::NotFound)?;
        if after > slice.head {
            return Err(FollowError::CursorAhead { after, head: slice.head });
        }
        let mode = if after == 0 { StreamMode::Full } else { StreamMode::Resume };
        let page = page_of(&slice);
        let read_to = page.back().map_or(after, |event| event.version);
        Ok(Follower {
            store: Arc::clone(&self.store),
            tenant: tenant.clone(),
            id,
            ready: StreamControl::Ready { job_id: id, mode, after, head: slice.head },
            cursor: after,
            ended: slice.ended && after == slice.head,
            must_read: read_to < slice.head,
            page,
            inbox,
        })
    }
}

impl Follower {
    /// The frame that a stream begins with.
    #[must_use]
    pub const fn ready(&self) -> &StreamControl {
        &self.ready
    }

    /// The job.
    #[must_use]
    pub const fn job_id(&self) -> JobId {
        self.id
    }

    /// The version of the newest event that was returned, or the cursor it began with.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Whether the last event of the log was returned, or the follower began at it.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Waits for the next event. `None` once the log has ended.
    ///
    /// # Errors
    /// The store's; the follower stays where it is and may be asked again.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Result<Option<Rendered>, StoreError> {
        while !self.ended {
            if let Some(event) = self.page.pop_front() {
                // The inbox may repeat what the page had.
                if event.version <= self.cursor {
                    continue;
                }
                if event.version == self.cursor + 1 {
                    self.cursor = event.version;
                    self.ended = event.terminal;
                    return Ok(Some(event));
                }
                self.page.clear();
                self.must_read = true;
            }
            self.refill().await?;
        }
        Ok(None)
    }

    /// Brings at least the chance of a next event into `page`, which is empty.
    async fn refill(&mut self) -> Result<(), StoreError> {
        {
            let mut content = self.inbox.lock();
            content.bytes = 0;
            self.page.extend(content.events.drain(..));
            self.must_read |= std::mem::take(&mut content.incomplete);
        }
        // `must_read` outlives a dropped future: what it stands for is read the next time.
        if self.must_read {
            self.page.clear();
            self.read_log().await
        } else {
            if self.page.is_empty() {
                self.inbox.filled.notified().await;
            }
            Ok(())
        }
    }

    async fn read_log(&mut self) -> Result<(), StoreError> {
        let slice = self.store.log(&self.tenant, self.id, self.cursor, LOG_PAGE).await?;
        let Some(slice) = slice else {
            // Deleted while it was followed: there is nothing more to come.
            self.ended = true;
            return Ok(());
        };
        self.page = page_of(&slice);
        let read_to = self.page.back().map_or(self.cursor, |event| event.version);
        self.must_read = read_to < slice.head;
        let mut content = self.inbox.lock();
        content.seen = content.seen.max(read_to);
        Ok(())
    }
}

/// The first events of a slice, as many as a stream may buffer, and at least one.
fn page_of(slice: &LogSlice) -> VecDeque<Rendered> {
    let mut bytes = 0;
    let mut page = VecDeque::with_capacity(slice.events.len());
    for event in &slice.events {
        let rendered = Rendered::of(event);
        bytes += rendered.json.len();
        if bytes > limits::STREAM_BUFFER_BYTES_MAX && !page.is_empty() {
            break;
        }
        page.push_back(rendered);
    }
    page
}
