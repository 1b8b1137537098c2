//! Many requests in one transaction, and what becomes of each.

use std::sync::Arc;

use contracts::{JobState, WorkerId};
use engine::job::Change;
use engine::ports::{JobStore, StoreError, Submitted, Written};
use engine::services::sweep::LEASE;
use testkit::build::{key, new_job, step_completed, step_record, tenant};
use testkit::servers::Postgres;
use tokio::task::JoinSet;

use crate::fleet::{Fleet, claim, open, queued, write};
use crate::proxy::{Fault, Proxy};

/// How the server says that it has committed.
const COMMITTED: &[u8] = b"COMMIT\0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_share_transactions() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let before = transactions(&fleet).await;
    let mut submissions = JoinSet::new();
    for _ in 0..1_000 {
        let store = Arc::clone(&fleet.store);
        submissions.spawn(async move { queued(&store).await });
    }
    let ids = submissions.join_all().await;
    let used = transactions(&fleet).await - before;
    assert!(used <= 500, "{used} transactions for 1000 submissions");
    assert_eq!(fleet.store.heads(&ids).await.unwrap().len(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_the_database_refuses_fails_alone() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let mut requests = JoinSet::new();
    for number in 0..40 {
        let store = Arc::clone(&fleet.store);
        let poisoned = number % 10 == 3;
        requests.spawn(async move {
            let mut new = new_job(&tenant("a"));
            if poisoned {
                new.submission.company_name = "3M\0".to_owned();
            }
            let (id, outcome) = (new.identity.id, store.submit(new).await);
            assert_eq!(matches!(outcome, Err(StoreError::Rejected(_))), poisoned, "{outcome:?}");
            (id, poisoned)
        });
    }
    let mut writes = JoinSet::new();
    for (id, poisoned) in requests.join_all().await {
        let kept = fleet.store.get(&tenant("a"), id).await.unwrap();
        assert_eq!(kept.is_none(), poisoned);
        let id = if poisoned { queued(&fleet.store).await } else { id };
        let store = Arc::clone(&fleet.store);
        writes.spawn(async move {
            let fence = claim(&store, id, WorkerId::new()).await;
            let step = if poisoned { "plan\0" } else { "plan" };
            let change = Change::Work { events: vec![step_completed(step)] };
            let outcome = store.write(write(fence, change)).await;
            assert_eq!(matches!(outcome, Err(StoreError::Rejected(_))), poisoned, "{outcome:?}");
            // Nothing of it was written, and its number is free.
            let change = Change::Work { events: vec![step_completed("tools")] };
            let number = if poisoned { 1 } else { 2 };
            let fence = engine::ports::Fence { write_no: number, ..fence };
            let outcome = store.write(write(fence, change)).await;
            assert!(matches!(outcome, Ok(Written::Applied(_))), "{outcome:?}");
        });
    }
    writes.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_known_though_the_reply_is_lost() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let proxy = Proxy::to(&fleet.url()).await;
    let store = open(proxy.url()).await;
    let lose_reply = || proxy.fail(Fault::CutBeforeReply(COMMITTED));
    for idempotency in [None, Some(key("k", 1))] {
        let new = engine::ports::NewJob { idempotency, ..new_job(&tenant("a")) };
        let id = new.identity.id;
        lose_reply();
        let submitted = store.submit(new).await.unwrap();
        assert!(proxy.has_failed());
        let Submitted::Created { committed, .. } = submitted else { panic!("{submitted:?}") };
        assert_eq!(fleet.store.get(&tenant("a"), id).await.unwrap().unwrap().job, committed.job);

        lose_reply();
        let worker = WorkerId::new();
        let claimed = store.claim(id, worker, &[1]).await.unwrap().expect("it is ours");
        assert!(proxy.has_failed());
        assert_eq!(claimed.committed.events.len(), 1);
        let fence = engine::ports::Fence {
            job_id: id,
            worker,
            epoch: claimed.committed.job.epoch,
            write_no: 1,
        };

        lose_reply();
        let mut done = write(fence, Change::Work { events: vec![step_completed("plan")] });
        done.checkpoints = vec![step_record("plan")];
        let written = store.write(done).await.unwrap();
        assert!(proxy.has_failed());
        let Written::Applied(committed) = written else { panic!("{written:?}") };

        lose_reply();
        let cancelled = store.cancel(&tenant("a"), id, None).await.unwrap().unwrap();
        assert!(proxy.has_failed());
        assert_eq!(cancelled.refused, None);
        let job = fleet.store.get(&tenant("a"), id).await.unwrap().unwrap().job;
        assert_eq!(job.version, committed.job.version + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_nobody_knows_of_is_given_back() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let proxy = Proxy::to(&fleet.url()).await;
    let store = open(proxy.url()).await;
    let (id, worker) = (queued(&fleet.store).await, WorkerId::new());
    proxy.fail(Fault::LoseServerAt(COMMITTED));
    let claimed = JobStore::claim(store.as_ref(), id, worker, &[1]).await;
    assert!(matches!(claimed, Err(StoreError::OutcomeUnknown(_))), "{claimed:?}");
    let state = async || {
        let found = JobStore::get(fleet.store.as_ref(), &tenant("a"), id).await.unwrap().unwrap();
        found.job.state.name()
    };
    assert_eq!(state().await, JobState::Running, "it was committed");
    proxy.heal();
    let swept = JobStore::sweep(store.as_ref(), LEASE, 100).await.unwrap();
    assert_eq!(swept.committed.len(), 1);
    assert_eq!(state().await, JobState::Queued);
    // Once: what the worker claims from now on, it knows of.
    claim(&store, id, worker).await;
    assert!(JobStore::sweep(store.as_ref(), LEASE, 100).await.unwrap().committed.is_empty());
    assert_eq!(state().await, JobState::Running);
}

/// Transactions that have written something so far.
async fn transactions(fleet: &Fleet) -> i64 {
    let row = fleet.client.query_one("SELECT txid_current()", &[]).await.expect("asked");
    row.get(0)
}
