use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::limits;
use tokio::sync::Notify;

use super::Rendered;

/// Bytes of events that one follower holds: half of what is buffered for a stream. The other half
/// is on its way to the reader.
pub(super) const FOLLOWER_BYTES_MAX: usize = limits::STREAM_BUFFER_BYTES_MAX / 2;

/// What the bus brought for one follower, bounded.
pub(super) struct Inbox {
    content: Mutex<InboxContent>,
    filled: Notify,
}

struct InboxContent {
    events: VecDeque<Rendered>,
    /// Of `events`.
    bytes: usize,
    /// Of what the follower took out last, however much of it was returned since.
    held_bytes: usize,
    /// The follower reads on from the log, whatever the bus brings.
    is_behind: bool,
    /// The newest version that the follower has or will find in `events`.
    seen: u64,
    /// Something is missing in `events`: the log has it.
    incomplete: bool,
    /// It is missing because there was no room for it.
    is_slow: bool,
}

/// What an inbox had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) events: VecDeque<Rendered>,
    /// Something is missing in them: the log has it.
    pub(super) incomplete: bool,
    /// It is missing because the reader is slow, not because the bus lost it.
    pub(super) is_slow: bool,
}

impl Inbox {
    pub(super) fn new(after: u64) -> Self {
        let content = InboxContent {
            events: VecDeque::new(),
            bytes: 0,
            held_bytes: 0,
            is_behind: false,
            seen: after,
            incomplete: false,
            is_slow: false,
        };
        Self { content: Mutex::new(content), filled: Notify::new() }
    }

    /// Full inboxes forget: the reader is slow and reads on from the log at its own pace.
    pub(super) fn push(&self, event: Rendered) {
        let mut content = self.lock();
        if !content.has_room_for(event.json.len()) {
            content.is_slow = true;
            content.forget();
        } else if content.incomplete {
            content.forget();
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
    pub(super) fn take(&self) -> Taken {
        let mut content = self.lock();
        content.held_bytes = std::mem::take(&mut content.bytes);
        Taken {
            events: std::mem::take(&mut content.events),
            incomplete: std::mem::take(&mut content.incomplete),
            is_slow: std::mem::take(&mut content.is_slow),
        }
    }

    /// The follower has read the log up to this version, holds so many bytes of it, and will read
    /// on if there is more.
    pub(super) fn has_read(&self, version: u64, held_bytes: usize, there_is_more: bool) {
        let mut content = self.lock();
        content.seen = content.seen.max(version);
        content.held_bytes = held_bytes;
        content.is_behind = there_is_more;
        if !content.events.is_empty() && !content.has_room_for(0) {
            content.forget();
        }
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

impl InboxContent {
    fn has_room_for(&self, bytes: usize) -> bool {
        !self.is_behind && self.held_bytes + self.bytes + bytes <= FOLLOWER_BYTES_MAX
    }

    fn forget(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
        self.incomplete = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(version: u64, bytes: usize) -> Rendered {
        Rendered { version, terminal: false, json: "x".repeat(bytes).into(), news_of: None }
    }

    #[test]
    fn what_a_follower_holds_and_what_waits_for_it_are_bounded_together() {
        let inbox = Inbox::new(0);
        inbox.push(event(1, FOLLOWER_BYTES_MAX / 2));
        let taken = inbox.take();
        assert_eq!((taken.events.len(), taken.incomplete, taken.is_slow), (1, false, false));
        inbox.push(event(2, FOLLOWER_BYTES_MAX / 2));
        assert_eq!(inbox.lock().bytes, FOLLOWER_BYTES_MAX / 2);
        inbox.push(event(3, 1));
        let taken = inbox.take();
        assert_eq!((taken.events.len(), taken.incomplete, taken.is_slow), (0, true, true));
    }

    #[test]
    fn nothing_waits_for_a_follower_that_reads_on_from_the_log() {
        let inbox = Inbox::new(0);
        inbox.push(event(1, 10));
        inbox.has_read(1, 10, true);
        inbox.push(event(2, 10));
        let nothing = Taken { events: VecDeque::new(), incomplete: true, is_slow: true };
        assert_eq!(inbox.take(), nothing);
        inbox.has_read(2, 10, false);
        inbox.push(event(3, 10));
        let events = VecDeque::from([event(3, 10)]);
        assert_eq!(inbox.take(), Taken { events, incomplete: false, is_slow: false });
    }

    #[test]
    fn what_the_bus_lost_makes_nobody_slow() {
        let inbox = Inbox::new(0);
        inbox.look_at_log();
        inbox.push(event(2, 10));
        let nothing = Taken { events: VecDeque::new(), incomplete: true, is_slow: false };
        assert_eq!(inbox.take(), nothing);
    }
}
