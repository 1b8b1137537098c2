//! A job that runs alone keeps nobody's work.

use std::path::Path;

use contracts::{JobId, WorkerId};
use engine::ports::{HintQueue as _, JobStore as _, LogLimit};
use testkit::build::tenant;
use testkit::eventually;

use crate::fleet::{DEADLINE, Fleet, open, submit};
use crate::queue::Queue;

/// A job that has taken its worker with it twice: each opening of the store voids its lease.
async fn dangerous_job(dir: &Path) -> JobId {
    let id = submit(&open(dir), "script: delay_ms=60000").await;
    for _ in 0..2 {
        let claimed = open(dir).claim(id, WorkerId::new(), &[1]).await.unwrap();
        assert!(claimed.is_some());
    }
    id
}

#[tokio::test]
async fn a_delivery_without_a_place_goes_back_for_another_worker() {
    let dir = tempfile::tempdir().unwrap();
    let dangerous = dangerous_job(dir.path()).await;
    let fleet = Fleet::over(open(dir.path()), 2, Queue::default());
    let other = submit(&fleet.store, "script: delay_ms=0").await;
    assert!(fleet.get(dangerous).await.job.runs_alone());

    fleet.publish(dangerous).await;
    eventually(DEADLINE, async || {
        let log = fleet
            .store
            .log(&tenant("a"), dangerous, 0, LogLimit::events(1_000))
            .await
            .unwrap()
            .unwrap();
        log.events.iter().any(|event| event.kind == "step.started").then_some(())
    })
    .await;
    fleet.publish(other).await;
    // Whoever receives here is the other worker.
    let delivery = tokio::time::timeout(DEADLINE, async {
        eventually(DEADLINE, async || (fleet.queue.nacks() > 0).then_some(())).await;
        fleet.queue.receive().await.unwrap()
    })
    .await
    .unwrap();
    assert_eq!(delivery.hint.job_id, other);
    delivery.receipt.ack().await;
    assert_eq!(fleet.get(other).await.job.attempt, 0);

    fleet.store.cancel(&tenant("a"), dangerous, None).await.unwrap();
    eventually(DEADLINE, async || fleet.get(dangerous).await.job.is_ended().then_some(())).await;
    fleet.publish(other).await;
    fleet.succeeded(other).await;
    fleet.stop().await;
}
