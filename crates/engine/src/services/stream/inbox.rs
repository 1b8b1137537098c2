use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::limits;
use tokio::sync::Notify;

use super::Rendered;

/// What the bus brought for one follower, bounded.
pub(super) struct Inbox {
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
    pub(super) fn new(after: u64) -> Self {
        let content =
            InboxContent { events: VecDeque::new(), bytes: 0, seen: after, incomplete: false };
        Self { content: Mutex::new(content), filled: Notify::new() }
    }

    /// Full inboxes forget: the reader is slow and reads on from the log at its own pace.
    pub(super) fn push(&self, event: Rendered) {
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

    pub(super) fn head_is(&self, version: u64) {
        if self.lock().seen < version {
            self.look_at_log();
        }
    }

    pub(super) fn look_at_log(&self) {
        self.lock().incomplete = true;
        self.filled.notify_one();
    }

    /// Takes what is there; says whether something is missing in it.
    pub(super) fn take(&self) -> (VecDeque<Rendered>, bool) {
        let mut content = self.lock();
        content.bytes = 0;
        (std::mem::take(&mut content.events), std::mem::take(&mut content.incomplete))
    }

    /// The follower has read the log up to this version.
    pub(super) fn has_read(&self, version: u64) {
        let mut content = self.lock();
        content.seen = content.seen.max(version);
    }

    /// Waits until something may have come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, InboxContent> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
