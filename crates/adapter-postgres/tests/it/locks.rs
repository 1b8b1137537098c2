//! What a client leaves behind that stops in the middle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::WorkerId;
use engine::job::Change;
use engine::ports::{JobStore as _, StoreError, Written};
use testkit::build::{step_started, tenant};
use testkit::eventually;
use testkit::servers::Postgres;

use crate::fleet::{Fleet, claim, open, queued, write};
use crate::proxy::{Fault, Proxy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_client_holds_no_lock_beyond_its_time() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let proxy = Proxy::to(&fleet.url()).await;
    let frozen = open(proxy.url()).await;
    let (held, other) = (queued(&fleet.store).await, queued(&fleet.store).await);
    let fence = claim(&fleet.store, held, WorkerId::new()).await;
    // It has locked the row, and stops before it writes.
    proxy.fail(Fault::FreezeClientAt(b"UPDATE jobs AS j SET"));
    let work = || Change::Work { events: vec![step_started("plan")] };
    let stuck = tokio::spawn({
        let frozen = Arc::clone(&frozen);
        async move { frozen.write(write(fence, work())).await }
    });
    eventually(Duration::from_secs(5), || locked(&fleet)).await;
    let begun = Instant::now();
    // Whoever needs another row is not held up for long by whoever needs this one.
    let written = eventually(Duration::from_secs(8), || async {
        match fleet.store.write(write(fence, work())).await {
            Ok(written) => Some(written),
            Err(StoreError::Unavailable(_)) => None,
            Err(error) => panic!("{error:?}"),
        }
    })
    .await;
    assert!(matches!(written, Written::Applied(_)), "{written:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    fleet.store.cancel(&tenant("a"), other, None).await.unwrap();
    stuck.abort();
}

/// Whether somebody holds a transaction open, and waits for nothing but their client.
async fn locked(fleet: &Fleet) -> Option<()> {
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'";
    let count: i64 = fleet.client.query_one(idle, &[]).await.expect("asked").get(0);
    (count > 0).then_some(())
}
