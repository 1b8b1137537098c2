//! What only the records of a fleet show: who looks after its jobs.

use std::time::Duration;

use contracts::WorkerId;
use engine::invariants::{Invariant, is_orphan, judge};
use engine::ports::{JobRecord, JobRecords as _, JobStore as _, StoredRecord, Watch};
use engine::services::sweep::LEASE;
use testkit::build::TIMEOUT;
use testkit::servers::Postgres;

use crate::fleet::{Fleet, claim, queued};

#[tokio::test]
async fn a_watch_lasts_while_somebody_sweeps_and_begins_anew_after_a_pause() {
    let Some(fleet) = fleet().await else { return };
    assert_eq!(watch(&fleet).await, None);
    fleet.store.sweep(LEASE, 100).await.unwrap();
    let first = watch(&fleet).await.unwrap();
    assert_eq!(first.since, first.until);
    sweep_after(&fleet, Duration::from_secs(1)).await;
    let later = watch(&fleet).await.unwrap();
    assert_eq!(later, Watch { until: first.until.after(Duration::from_secs(1)), ..first });
    sweep_after(&fleet, Duration::from_secs(10)).await;
    let anew = watch(&fleet).await.unwrap();
    assert_eq!((anew.since, anew.until), (anew.until, later.until.after(Duration::from_secs(10))));
}

#[tokio::test]
async fn a_job_that_no_sweep_ends_is_late() {
    let Some(fleet) = fleet().await else { return };
    let id = queued(&fleet.store).await;
    fleet.store.sweep(LEASE, 100).await.unwrap();
    fleet.pass(TIMEOUT).await;
    // Sweeps do not find it any more.
    let hide = "UPDATE jobs SET overdue_at = 'infinity' WHERE id = $1";
    fleet.client.execute(hide, &[id.as_uuid()]).await.unwrap();
    for _ in 0..=6 {
        assert_eq!(broken(&fleet).await, []);
        sweep_after(&fleet, Duration::from_secs(1)).await;
    }
    assert_eq!(broken(&fleet).await, [Invariant::Deadline]);
}

#[tokio::test]
async fn a_worker_is_known_from_its_claim_on_until_it_is_retired() {
    let Some(fleet) = fleet().await else { return };
    let (id, worker) = (queued(&fleet.store).await, WorkerId::new());
    assert!(!is_orphan(&record(&fleet).await));
    claim(&fleet.store, id, worker).await;
    let held = record(&fleet).await;
    assert_eq!(held.holder_heard_at, held.job.started_at);
    fleet.store.retire(worker).await.unwrap();
    assert!(is_orphan(&record(&fleet).await));
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_a_finding_about_its_job_alone() {
    let Some(fleet) = fleet().await else { return };
    let (broken, _sound) = (queued(&fleet.store).await, queued(&fleet.store).await);
    let spoil = "UPDATE events SET data = '{' WHERE job_id = $1";
    fleet.client.execute(spoil, &[broken.as_uuid()]).await.unwrap();
    let records = fleet.store.page(None, 10).await.unwrap().records;
    let unreadable = |record: &&StoredRecord| matches!(record, StoredRecord::Unreadable { .. });
    let found: Vec<_> = records.iter().filter(unreadable).map(StoredRecord::id).collect();
    assert_eq!((found, records.len()), (vec![broken], 2));
}

async fn fleet() -> Option<Fleet> {
    Postgres::shared()?;
    Some(Fleet::new().await)
}

/// Sweeps often enough for the watch to last, if the time is short.
async fn sweep_after(fleet: &Fleet, time: Duration) {
    fleet.pass(time).await;
    fleet.store.sweep(LEASE, 100).await.expect("swept");
}

/// What the job breaks.
async fn broken(fleet: &Fleet) -> Vec<Invariant> {
    let violations = judge(&record(fleet).await, watch(fleet).await);
    violations.into_iter().map(|violation| violation.invariant).collect()
}

async fn watch(fleet: &Fleet) -> Option<Watch> {
    fleet.store.page(None, 10).await.expect("read").watch
}

/// The only job.
async fn record(fleet: &Fleet) -> JobRecord {
    let page = fleet.store.page(None, 10).await.expect("read");
    match page.records.into_iter().next() {
        Some(StoredRecord::Read(record)) => *record,
        other => panic!("no job that can be read: {other:?}"),
    }
}
