use std::time::Duration;

/// What kind of failure it is: all that the retry policy reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may pass by itself.
    Transient {
        /// What the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// Too many calls.
    RateLimited {
        /// What the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// What it needs is known to be out: it waits for that, and no failure is counted.
    CircuitOpen {
        /// When it is probed next.
        probe_after: Duration,
    },
    /// No answer in time.
    Timeout,
    /// It will fail again.
    Permanent,
    /// Nobody wants it any more.
    Cancelled,
    /// An error of ours.
    Bug,
}
