//! What travels over the broker. Losing any of it loses nothing: the store is the truth.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::JobId;

/// "This job may be ready to run." Stale and duplicate hints change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    /// The job.
    pub job_id: JobId,
}

/// "These events were committed": consecutive events of one job, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// The job.
    pub job_id: JobId,
    /// The events.
    pub events: Vec<Event>,
}
