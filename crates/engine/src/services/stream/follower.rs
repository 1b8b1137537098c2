use std::collections::VecDeque;
use std::sync::Arc;

use contracts::stream::StreamMode;
use contracts::{Event, JobId, StreamControl, TenantId};
use telemetry::metrics;

use super::inbox::{FOLLOWER_BYTES_MAX, Inbox, Taken};
use super::{LogReads, Rendered, rendered_bytes};
use crate::ports::{JobStore, LogLimit, LogSlice, StoreError};
use crate::services::{Jobs, QueryError};

/// What is read from the log at a time.
const LOG_PAGE: LogLimit = LogLimit { events: 64, bytes: FOLLOWER_BYTES_MAX };

/// Why a follower has no next event.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The job was deleted before all of its log was returned.
    #[error("the followed job was deleted")]
    Gone,
    /// The store failed; the follower stays where it is and may be asked again.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Events that the bus brought and that are read again, with what is missing.
    brought: usize,
    /// The reader is behind the log, so that nothing is late that waits a little longer.
    is_slow: bool,
    inbox: Arc<Inbox>,
    reads: LogReads,
}

impl Jobs {
    /// Follows a job's log after version `after`.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn follow(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
    ) -> Result<Follower, QueryError> {
        // Attached before the log is read, so that nothing falls between the two.
        let inbox = self.streams.attach(id, after);
        let Some(slice) = self.store.log(tenant, id, after, LOG_PAGE).await? else {
            return Err(self.missing(tenant, id).await?.into());
        };
        if after > slice.head {
            return Err(QueryError::CursorAhead { after, head: slice.head });
        }
        let mode = if after == 0 { StreamMode::Full } else { StreamMode::Resume };
        let page = page_of(&slice, Rendered::replayed);
        let read_to = page.back().map_or(after, |event| event.version);
        inbox.has_read(read_to, rendered_bytes(&page), read_to < slice.head);
        Ok(Follower {
            store: Arc::clone(&self.store),
            tenant: tenant.clone(),
            id,
            ready: StreamControl::Ready { job_id: id, mode, after, head: slice.head },
            cursor: after,
            ended: slice.ended && after == slice.head,
            must_read: read_to < slice.head,
            brought: 0,
            is_slow: read_to < slice.head,
            page,
            inbox,
            reads: self.streams.reads.clone(),
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
    /// [`FollowError`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Result<Option<Rendered>, FollowError> {
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
                self.brought = 1 + self.page.len();
                self.page.clear();
                self.must_read = true;
            }
            self.refill().await?;
        }
        Ok(None)
    }

    /// Brings at least the chance of a next event into `page`, which is empty.
    async fn refill(&mut self) -> Result<(), FollowError> {
        let Taken { events, incomplete, is_slow } = self.inbox.take();
        self.page.extend(events);
        self.must_read |= incomplete;
        self.is_slow |= is_slow;
        // `must_read` outlives a dropped future: what it stands for is read the next time.
        if self.must_read {
            self.brought += self.page.iter().filter(|event| event.version > self.cursor).count();
            self.page.clear();
            self.read_log().await
        } else {
            if self.page.is_empty() {
                self.inbox.filled().await;
            }
            Ok(())
        }
    }

    async fn read_log(&mut self) -> Result<(), FollowError> {
        let slice = {
            let _turn = self.reads.turn(self.is_slow).await;
            self.store.log(&self.tenant, self.id, self.cursor, LOG_PAGE).await?
        };
        let slice = slice.ok_or(FollowError::Gone)?;
        let brought = std::mem::take(&mut self.brought);
        if self.is_slow {
            self.page = page_of(&slice, Rendered::replayed);
        } else {
            self.page = page_of(&slice, Rendered::of);
            metrics::streams::losses_repaired(self.page.len().saturating_sub(brought));
        }
        let read_to = self.page.back().map_or(self.cursor, |event| event.version);
        self.must_read = read_to < slice.head;
        self.is_slow = self.must_read;
        self.inbox.has_read(read_to, rendered_bytes(&self.page), self.must_read);
        Ok(())
    }
}

/// The first events of a slice, as many as a follower may hold, and at least one.
fn page_of(slice: &LogSlice, render: fn(&Event) -> Rendered) -> VecDeque<Rendered> {
    let mut bytes = 0;
    let mut page = VecDeque::with_capacity(slice.events.len());
    for event in &slice.events {
        let rendered = render(event);
        bytes += rendered.json.len();
        if bytes > FOLLOWER_BYTES_MAX && !page.is_empty() {
            break;
        }
        page.push_back(rendered);
    }
    page
}
