//! Holding an answer back until there is something to say.

use std::time::Duration;

use contracts::{JobId, TenantId};
use engine::services::QueryError;

use crate::state::State;

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The next event.
    Change,
    /// The job's end.
    End,
}

/// Waits for a job to move on from version `after`, at most `limit`. A draining gateway answers at
/// once. Whatever ends the wait, the caller reads the job's snapshot afterwards, so a store that
/// fails meanwhile only ends the wait.
///
/// # Errors
/// [`QueryError`], of the first look at the log.
pub(crate) async fn for_job(
    state: &State,
    (tenant, id, after): (&TenantId, JobId, u64),
    until: Until,
    limit: Duration,
) -> Result<(), QueryError> {
    let mut follower = state.jobs.follow(tenant, id, after).await?;
    let moved_on = async {
        while let Ok(Some(_)) = follower.next().await {
            if until == Until::Change {
                return;
            }
        }
    };
    tokio::select! {
        () = state.draining.cancelled() => {}
        () = tokio::time::sleep(limit) => {}
        () = moved_on => {}
    }
    Ok(())
}
