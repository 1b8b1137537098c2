//! Deleting jobs that have ended.

use std::time::Duration;

use contracts::{JobId, limits};
use engine::job::Change;
use engine::ports::{Deletion, JobFilter, LogLimit, NewJob, Submitted};
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::Given;
use crate::build::{key, new_job, problem, result, tenant};

pub async fn an_ended_job_is_deleted_with_everything_of_it(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (other, mut held) = (given.queued().await, given.running().await);
    held.apply(Change::Succeed { events: vec![], result: Box::new(result("x")) }).await;
    let id = held.job.id;
    assert_eq!(delete(&given, id).await, Deletion::Deleted);
    let Given { store, tenant, .. } = &given;
    assert!(store.get(tenant, id).await.expect("read").is_none());
    assert!(store.log(tenant, id, 0, LogLimit::events(10)).await.expect("read").is_none());
    assert!(store.checkpoints(tenant, id).await.expect("read").is_none());
    assert!(store.cancel(tenant, id, None).await.expect("asked").is_none());
    let heads = store.heads(&[id, other]).await.expect("read");
    assert_eq!(heads.iter().map(|head| head.id).collect::<Vec<_>>(), [other]);
    let listed = store.list(tenant, &JobFilter::default(), None, 10).await.expect("read");
    assert_eq!(listed.iter().map(|listed| listed.job.id).collect::<Vec<_>>(), [other]);
}

pub async fn a_job_that_has_not_ended_is_not_deleted(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut backing_off = given.running().await;
    let delay = Duration::from_secs(60);
    backing_off.apply(Change::Retry { events: vec![], error: problem(), delay }).await;
    let cancelling = given.running().await.job.id;
    given.store.cancel(&given.tenant, cancelling, None).await.expect("asked");
    let (queued, running) = (given.queued().await, given.running().await.job.id);
    for id in [queued, running, backing_off.job.id, cancelling] {
        let before = given.snapshot(id).await;
        assert_eq!(delete(&given, id).await, Deletion::NotEnded);
        assert_eq!(given.snapshot(id).await.job, before.job);
        assert!(!is_gone(&given, id).await);
    }
}

pub async fn a_deleted_job_is_gone_for_its_tenant_and_later_forgotten(
    harness: &dyn JobStoreHarness,
) {
    let given = Given::new(harness);
    let keyed = |of| NewJob { idempotency: Some(key("k", 1)), ..new_job(of) };
    let (first, other) = (keyed(&given.tenant), tenant("b"));
    let id = given.accepted(first.clone()).await.job.id;
    given.store.cancel(&given.tenant, id, None).await.expect("cancelled");
    assert!(!is_gone(&given, id).await, "it is there");
    assert_eq!(delete(&given, id).await, Deletion::Deleted);
    assert!(is_gone(&given, id).await);
    assert!(!given.store.is_gone(&other, id).await.expect("read"), "others know nothing of it");
    for repeated in [first, keyed(&given.tenant)] {
        let answer = given.store.submit(repeated).await.expect("submitted");
        assert!(matches!(answer, Submitted::KeyGone), "{answer:?}");
    }
    given.accepted(keyed(&other)).await;
    let remembered = Duration::from_secs(u64::from(limits::RETENTION_DAYS) * 24 * 60 * 60);
    given.pass(remembered - Duration::from_secs(1)).await;
    given.sweep().await;
    assert!(is_gone(&given, id).await);
    given.pass(Duration::from_secs(1)).await;
    given.sweep().await;
    assert!(!is_gone(&given, id).await);
    given.accepted(keyed(&given.tenant)).await;
}

pub async fn only_its_own_tenant_deletes_a_job(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    given.store.cancel(&given.tenant, id, None).await.expect("cancelled");
    let foreign = given.store.delete(&tenant("b"), id).await.expect("asked");
    assert_eq!(foreign, Deletion::Unknown);
    given.snapshot(id).await;
    assert_eq!(delete(&given, JobId::new()).await, Deletion::Unknown);
    assert!(!is_gone(&given, JobId::new()).await);
}

pub async fn one_of_many_concurrent_deletions_deletes(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    given.store.cancel(&given.tenant, id, None).await.expect("cancelled");
    let mut deletions = JoinSet::new();
    for _ in 0..10 {
        let (store, tenant) = (harness.store(), given.tenant.clone());
        deletions.spawn(async move { store.delete(&tenant, id).await.expect("asked") });
    }
    let mut answers = deletions.join_all().await;
    answers.sort_by_key(|answer| *answer != Deletion::Deleted);
    assert_eq!(answers[0], Deletion::Deleted);
    assert!(answers[1..].iter().all(|answer| *answer == Deletion::Unknown), "{answers:?}");
    assert!(is_gone(&given, id).await);
}

async fn delete(given: &Given<'_>, id: JobId) -> Deletion {
    given.store.delete(&given.tenant, id).await.expect("asked")
}

async fn is_gone(given: &Given<'_>, id: JobId) -> bool {
    given.store.is_gone(&given.tenant, id).await.expect("read")
}
