//! What travels over the broker. Losing any of it loses nothing: the store is the truth.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::JobId;
use crate::trace::TraceContext;

/// "This job may be ready to run." Stale and duplicate hints change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    /// The job.
    pub job_id: JobId,
    /// The trace that it is sent in. It travels beside the message, in a header `traceparent`, so
    /// that a message means the same with or without it.
    #[serde(skip)]
    pub trace: Option<TraceContext>,
}

impl Hint {
    /// A hint about a job, in no trace.
    #[must_use]
    pub const fn of(job_id: JobId) -> Self {
        Self { job_id, trace: None }
    }

    /// The same hint, in this trace.
    #[must_use]
    pub const fn in_trace(self, trace: TraceContext) -> Self {
        Self { trace: Some(trace), ..self }
    }
}

/// "These events were committed": consecutive events of one job, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// The job.
    pub job_id: JobId,
    /// The events.
    pub events: Vec<Event>,
}
