//! Housekeeping: what ends or hands over jobs that nobody else moves.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::publish;
use super::upkeep::Turns;
use crate::ports::{JobStore, ProgressBus, StoreError};

/// How often to sweep.
const INTERVAL: Duration = Duration::from_millis(500);
/// Jobs a round, at the most.
const ROWS_MAX: usize = 1_000;
/// A worker that was not heard of for this long has lost its jobs.
pub const LEASE: Duration = Duration::from_secs(10);

/// Sweeps until `stop`. Every process may do this; none has to be the leader.
pub async fn sweep(store: Arc<dyn JobStore>, bus: Arc<dyn ProgressBus>, stop: CancellationToken) {
    let mut turns = Turns::every(INTERVAL, stop);
    while turns.next().await {
        if let Err(error) = sweep_once(store.as_ref(), bus.as_ref()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "not swept");
        }
    }
}

async fn sweep_once(store: &dyn JobStore, bus: &dyn ProgressBus) -> Result<(), StoreError> {
    loop {
        let swept = store.sweep(LEASE, ROWS_MAX).await?;
        for committed in &swept.committed {
            publish(bus, committed).await;
        }
        if !swept.more {
            return Ok(());
        }
    }
}
