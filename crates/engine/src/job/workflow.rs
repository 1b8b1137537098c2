//! Which version of the workflow a job is run with.

use std::time::Duration;

use contracts::WorkerId;

use super::{Change, Job};

/// How long a version is waited for that no live worker knows. A job that began with it starts over
/// afterwards; before, whoever knows it may only be restarting.
pub const RETIRED_AFTER: Duration = Duration::from_secs(30);

/// What is known of the versions of the workflow when a worker claims a job.
#[derive(Debug, Clone, Copy)]
pub struct Workflows<'a> {
    /// What the worker itself can run.
    pub own: &'a [u32],
    /// What each live worker can run.
    pub live: &'a [Vec<u32>],
    /// What some live worker could run within the last [`RETIRED_AFTER`].
    pub remembered: &'a [u32],
}

impl Job {
    /// What a claim makes of the job; `None` if it is to be left to a worker that knows its
    /// version. `taken_over` is the version of the steps that it took over from another job.
    ///
    /// The version of a job is chosen at its first claim, and stays: the newest one that all live
    /// workers know, so that each of them can go on with the job; among workers that have none in
    /// common, the newest of the one that claims. If nobody has known it for long enough, the job
    /// starts over.
    #[must_use]
    pub fn claim(
        &self,
        worker: WorkerId,
        taken_over: Option<u32>,
        workflows: Workflows<'_>,
    ) -> Option<Change> {
        let Workflows { own, live, remembered } = workflows;
        let is_shared = |version: &u32| live.iter().all(|known| known.contains(version));
        let shared = own.iter().copied().filter(is_shared).max();
        let newest = shared.or_else(|| own.iter().copied().max())?;
        let Some(stamp) = self.pipeline_version.or(taken_over) else {
            return Some(Change::Start { worker, pipeline_version: newest });
        };
        if own.contains(&stamp) {
            return Some(Change::Start { worker, pipeline_version: stamp });
        }
        let is_known =
            remembered.contains(&stamp) || live.iter().any(|known| known.contains(&stamp));
        (!is_known).then_some(Change::StartOver { worker, pipeline_version: newest })
    }

    /// Whether what was finished under this version of the workflow is good for the job.
    #[must_use]
    pub fn runs(&self, pipeline_version: u32) -> bool {
        self.pipeline_version == Some(pipeline_version)
    }
}
