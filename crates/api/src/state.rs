//! What every handler is given.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use contracts::TenantId;
use engine::ports::SystemClock;
use engine::services::Jobs;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::cors::Origins;
use crate::gateway::Exposition;
use crate::problem::ApiError;
use crate::stream::StreamTimes;

/// The use cases, and what the gateway's parts share.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) jobs: Jobs,
    pub(crate) origins: Origins,
    pub(crate) times: StreamTimes,
    pub(crate) exposition: Exposition,
    /// What tickets expire by.
    pub(crate) clock: Arc<SystemClock>,
    /// Fired when the gateway begins to drain.
    pub(crate) draining: CancellationToken,
    /// Every task that outlives its handler.
    pub(crate) tasks: TaskTracker,
    /// The runtime that [`crate::Gateway::run`] was called on. It outlives the web server's
    /// threads, and with them what runs there.
    pub(crate) runtime: Handle,
    /// Dropped last: once every clone is gone, nothing of the gateway holds the use cases.
    pub(crate) _alive: Alive,
}

/// Says by being dropped that its holder is gone.
pub(crate) type Alive = mpsc::Sender<Infallible>;

impl State {
    /// Runs a use case that changes state to its end, though the client may leave: the web server
    /// drops a handler's future with its connection, so the use case is a task of its own. A
    /// panic in it becomes an internal error.
    pub(crate) async fn complete<T, E, F>(&self, use_case: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let task = self.tasks.spawn_on(use_case.in_current_span(), &self.runtime);
        task.await.map_err(ApiError::internal)?.map_err(Into::into)
    }
}

/// Whose request it is that shows no ticket. Every handler asks here or in [`crate::access`], so
/// that there is one place to check keys.
pub(crate) fn tenant() -> TenantId {
    TenantId::default_tenant()
}
