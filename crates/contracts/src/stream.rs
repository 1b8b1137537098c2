//! What a stream says beside the events themselves. None of it is in the log.

use serde::{Deserialize, Serialize};

use crate::ids::JobId;
use crate::problem::Problem;

/// A frame from the server about the stream: a WebSocket text frame, or an SSE message without id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum StreamControl {
    /// The first frame: which events follow.
    #[serde(rename = "stream.ready")]
    Ready {
        /// The job.
        job_id: JobId,
        /// Whether the log follows from its beginning or from a cursor.
        mode: StreamMode,
        /// The version that the events follow on.
        after: u64,
        /// The newest version at this moment.
        head: u64,
    },
    /// The server ends the stream, not the job: connect again with the cursor. On a stream of many
    /// it ends the one subscription: subscribe again.
    #[serde(rename = "stream.closing")]
    Closing {
        /// The job, on a stream of many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job_id: Option<JobId>,
        /// Why.
        reason: ClosingReason,
        /// The cursor to come back with.
        resume_after: u64,
        /// Milliseconds to wait before coming back.
        retry_after_ms: u64,
    },
    /// Something is wrong with the stream or one of its subscriptions.
    #[serde(rename = "stream.error")]
    Error {
        /// The job, on a stream of many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job_id: Option<JobId>,
        /// What is wrong.
        problem: Box<Problem>,
    },
}

/// Whether a stream begins at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamMode {
    /// From version 1.
    Full,
    /// From a cursor.
    Resume,
}

/// Why the server ends a stream before its job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The gateway is being restarted.
    Restart,
    /// The gateway has too much to do.
    Overloaded,
    /// The reader took nothing for too long.
    TooSlow,
    /// The store cannot be read at the moment.
    StoreUnavailable,
}

/// A frame from the client, on a stream of many jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Follow a job.
    Subscribe {
        /// The job.
        job_id: JobId,
        /// The cursor.
        #[serde(default)]
        after: u64,
    },
    /// Stop following it.
    Unsubscribe {
        /// The job.
        job_id: JobId,
    },
}
