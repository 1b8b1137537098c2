//! A follower of a job, until the log or the gateway ends.

use std::sync::Arc;
use std::time::Duration;

use contracts::stream::ClosingReason;
use contracts::{JobId, Problem, StreamControl};
use engine::ports::{Clock as _, SystemClock};
use engine::services::{FollowError, Follower, Rendered};
use telemetry::metrics;
use telemetry::metrics::streams::{Kind, Subscriber};
use tokio_util::sync::CancellationToken;

use crate::problem::ApiError;
use crate::state::State;

/// How long to wait before a log that cannot be read is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often it is tried before the stream is closed. A stream outlives a store's restart: a
/// browser that reconnects meanwhile would be refused, and then gives up for good.
const STORE_TRIES: u32 = 30;
/// Clients of a closed stream come back spread over this time.
const RETURN_SPREAD_MS: u64 = 2_000;

/// What a stream says next.
pub(crate) enum Next {
    /// The next event of the log.
    Event(Rendered),
    /// Nothing: the log has ended, and all of it was said.
    Ended,
    /// That it closes before its job ended.
    Closing(Closing),
    /// That its job was deleted: there is nothing to come back to.
    Gone(Box<Problem>),
}

/// Why and how a stream closes before its job ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    pub(crate) reason: ClosingReason,
    pub(crate) resume_after: u64,
    pub(crate) retry_after_ms: u64,
}

impl Closing {
    /// A closing with its own share of the spread.
    pub(crate) fn new(reason: ClosingReason, resume_after: u64) -> Self {
        let retry_after_ms = rand::random_range(0..=RETURN_SPREAD_MS);
        Self { reason, resume_after, retry_after_ms }
    }

    /// The frame that tells of it on a stream of one job.
    pub(crate) fn control(self) -> StreamControl {
        self.told(None)
    }

    /// The frame that tells of it on a stream of many.
    pub(crate) fn control_of(self, id: JobId) -> StreamControl {
        self.told(Some(id))
    }

    fn told(self, job_id: Option<JobId>) -> StreamControl {
        let Self { reason, resume_after, retry_after_ms } = self;
        StreamControl::Closing { job_id, reason, resume_after, retry_after_ms }
    }
}

/// What a stream has to say.
pub(crate) struct Feed {
    follower: Follower,
    draining: CancellationToken,
    clock: Arc<SystemClock>,
    _counted: Subscriber,
    /// The trace of the request that began the stream.
    trace_id: String,
    failures: u32,
}

impl Feed {
    pub(crate) fn new(follower: Follower, state: &State, kind: Kind, trace_id: String) -> Self {
        let (draining, clock) = (state.draining.clone(), Arc::clone(&state.clock));
        let _counted = Subscriber::new(kind);
        Self { follower, draining, clock, _counted, trace_id, failures: 0 }
    }

    /// The frame that the stream begins with.
    pub(crate) fn ready(&self) -> &StreamControl {
        self.follower.ready()
    }

    /// The version of the newest event that was said.
    pub(crate) fn cursor(&self) -> u64 {
        self.follower.cursor()
    }

    /// Waits for what is to be said next.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            let event = tokio::select! {
                biased;
                () = self.draining.cancelled() => {
                    return Next::Closing(Closing::new(ClosingReason::Restart, self.cursor()));
                }
                event = self.follower.next() => event,
            };
            match event {
                Ok(Some(event)) => {
                    self.failures = 0;
                    if let Some(recorded_at) = event.news_of {
                        metrics::streams::sent(self.clock.now().since(recorded_at));
                    }
                    return Next::Event(event);
                }
                Ok(None) => return Next::Ended,
                Err(FollowError::Gone) => {
                    return Next::Gone(Box::new(ApiError::job_gone().problem(&self.trace_id)));
                }
                Err(FollowError::Store(error)) => {
                    if self.failures == 0 {
                        let job_id = self.follower.job_id();
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            %job_id,
                            "a followed log cannot be read; retrying"
                        );
                    }
                    self.failures += 1;
                }
            }
            if self.failures >= STORE_TRIES {
                let reason = ClosingReason::StoreUnavailable;
                return Next::Closing(Closing::new(reason, self.cursor()));
            }
            tokio::select! {
                () = self.draining.cancelled() => {}
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        }
    }
}
