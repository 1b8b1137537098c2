//! Claims, leases and ends of documents.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::{Code, DocumentId, DocumentState, Origin, Problem};
use engine::ports::{ClaimedDocument, DocumentStore, ReadOutcome};
use engine::reading::{CRASHES_MAX, LEASE, TIME_MAX};

use super::DocumentStoreHarness;
use crate::build::{document, read_document, tenant};

/// Documents that one sweep may bring to their fate.
const SWEEP: usize = 100;

pub async fn a_document_is_claimed_with_its_bytes_and_by_one_reader(
    harness: &dyn DocumentStoreHarness,
) {
    let store = harness.store();
    let new = document("3M", 1);
    store.accept(&tenant("a"), new.clone()).await.expect("accepted");
    let claimed = claim(store.as_ref()).await;
    assert_eq!(claimed.hold.id, new.id);
    assert_eq!((claimed.media_type, claimed.bytes), (new.media_type, new.bytes));
    assert_eq!(claimed.trace, new.trace);
    assert_eq!(claimed.left, TIME_MAX);
    assert_eq!(store.claim(LEASE).await.expect("asked"), None, "it is held");
}

pub async fn older_documents_are_read_first_and_tenants_take_turns(
    harness: &dyn DocumentStoreHarness,
) {
    let store = harness.store();
    let mut accepted = Vec::new();
    for (name, content) in [("a", 1), ("a", 2), ("a", 3), ("b", 1)] {
        let document = store.accept(&tenant(name), document("3M", content)).await;
        accepted.push(document.expect("accepted").id);
    }
    let [first, second, third, other] = accepted[..] else { panic!("four documents") };
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(claim(store.as_ref()).await.hold.id);
    }
    assert_eq!(order, [first, other, second, third]);
}

pub async fn a_lease_that_is_renewed_does_not_pass(harness: &dyn DocumentStoreHarness) {
    let store = harness.store();
    store.accept(&tenant("a"), document("3M", 1)).await.expect("accepted");
    let claimed = claim(store.as_ref()).await;
    for _ in 0..3 {
        harness.pass(LEASE / 2).await;
        assert_eq!(store.sweep(SWEEP).await.expect("swept"), 0);
        assert!(store.renew(claimed.hold, LEASE).await.expect("asked"));
    }
    let ended = store.finish(claimed.hold, ReadOutcome::Read(read_document(1))).await;
    assert!(ended.expect("finished").is_some());
    assert!(!store.renew(claimed.hold, LEASE).await.expect("asked"), "it has ended");
}

pub async fn a_lease_that_passed_gives_the_document_back(harness: &dyn DocumentStoreHarness) {
    let store = harness.store();
    store.accept(&tenant("a"), document("3M", 1)).await.expect("accepted");
    let first = claim(store.as_ref()).await;
    harness.pass(LEASE).await;
    assert_eq!(store.sweep(SWEEP).await.expect("swept"), 1);
    assert_eq!(store.sweep(SWEEP).await.expect("swept"), 0, "once");
    let second = claim(store.as_ref()).await;
    assert_eq!((second.hold.id, second.bytes), (first.hold.id, first.bytes));
    assert!(second.hold.epoch > first.hold.epoch);
    assert_eq!(second.left, TIME_MAX - LEASE, "its time goes on");
}

pub async fn an_older_epoch_writes_nothing(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let id = store.accept(&tenant, document("3M", 1)).await.expect("accepted").id;
    let first = claim(store.as_ref()).await;
    harness.pass(LEASE).await;
    store.sweep(SWEEP).await.expect("swept");
    let late = || ReadOutcome::Read(read_document(1));
    assert!(store.finish(first.hold, late()).await.expect("asked").is_none(), "given back");
    let second = claim(store.as_ref()).await;
    assert!(!store.renew(first.hold, LEASE).await.expect("asked"));
    store.release(first.hold).await.expect("asked");
    assert!(store.finish(first.hold, late()).await.expect("asked").is_none(), "claimed again");
    let state = store.get(&tenant, id).await.expect("read").expect("there").state;
    assert_eq!(state, DocumentState::Pending);
    assert!(store.finish(second.hold, late()).await.expect("asked").is_some());
    assert!(store.finish(second.hold, late()).await.expect("asked").is_none(), "only once");
}

pub async fn a_document_that_is_released_can_be_claimed_at_once_and_counts_no_crash(
    harness: &dyn DocumentStoreHarness,
) {
    let store = harness.store();
    store.accept(&tenant("a"), document("3M", 1)).await.expect("accepted");
    for _ in 0..=CRASHES_MAX {
        let claimed = claim(store.as_ref()).await;
        store.release(claimed.hold).await.expect("released");
    }
    claim(store.as_ref()).await;
}

pub async fn a_document_that_kills_its_readers_is_given_up(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let id = store.accept(&tenant, document("3M", 1)).await.expect("accepted").id;
    for _ in 0..CRASHES_MAX {
        claim(store.as_ref()).await;
        harness.pass(LEASE).await;
        store.sweep(SWEEP).await.expect("swept");
    }
    assert_eq!(store.claim(LEASE).await.expect("asked"), None);
    let document = store.get(&tenant, id).await.expect("read").expect("there");
    assert_eq!(document.state, DocumentState::Failed);
    assert_eq!(document.error.map(|error| error.code), Some(Code::WorkerLost));
}

pub async fn a_document_whose_time_is_over_fails_though_it_is_held(
    harness: &dyn DocumentStoreHarness,
) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let id = store.accept(&tenant, document("3M", 1)).await.expect("accepted").id;
    let claimed = claim(store.as_ref()).await;
    assert!(store.renew(claimed.hold, 2 * TIME_MAX).await.expect("asked"));
    harness.pass(TIME_MAX - Duration::from_millis(1)).await;
    assert_eq!(store.sweep(SWEEP).await.expect("swept"), 0);
    harness.pass(Duration::from_millis(1)).await;
    assert_eq!(store.sweep(SWEEP).await.expect("swept"), 1);
    let document = store.get(&tenant, id).await.expect("read").expect("there");
    assert_eq!(document.error.map(|error| error.code), Some(Code::DeadlineExceeded));
    let late = store.finish(claimed.hold, ReadOutcome::Read(read_document(1))).await;
    assert!(late.expect("asked").is_none());
}

pub async fn a_document_that_waits_is_never_too_late(harness: &dyn DocumentStoreHarness) {
    let store = harness.store();
    store.accept(&tenant("a"), document("3M", 1)).await.expect("accepted");
    harness.pass(3 * TIME_MAX).await;
    assert_eq!(store.sweep(SWEEP).await.expect("swept"), 0);
    assert_eq!(claim(store.as_ref()).await.left, TIME_MAX);
}

pub async fn a_document_that_failed_says_why_and_nothing_else(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    store.accept(&tenant, document("3M", 1)).await.expect("accepted");
    let claimed = claim(store.as_ref()).await;
    let ended = store.finish(claimed.hold, ReadOutcome::Failed(unreadable())).await;
    let document = ended.expect("finished").expect("it was held");
    assert_eq!((document.state, &document.error), (DocumentState::Failed, &Some(unreadable())));
    assert_eq!(store.get(&tenant, document.id).await.expect("read"), Some(document));
    assert_eq!(harness.corpus().head(&tenant).await.expect("read").generation, 0);
    assert_eq!(store.claim(LEASE).await.expect("asked"), None);
}

pub async fn a_document_that_failed_may_be_tried_again(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let id = store.accept(&tenant, document("3M", 1)).await.expect("accepted").id;
    let claimed = claim(store.as_ref()).await;
    let failed = store.finish(claimed.hold, ReadOutcome::Failed(unreadable())).await;
    assert!(failed.expect("finished").is_some());
    harness.pass(TIME_MAX).await;
    let mut new = document("3M Company", 1);
    new.title = "Another title".to_owned();
    let again = store.accept(&tenant, new.clone()).await.expect("accepted");
    assert_eq!((again.id, again.state, &again.error), (id, DocumentState::Pending, &None));
    assert_eq!((&again.title, &again.company), (&new.title, &new.company));
    let claimed = claim(store.as_ref()).await;
    assert_eq!((claimed.bytes, claimed.left), (new.bytes, TIME_MAX), "its time begins anew");
    let ended = store.finish(claimed.hold, ReadOutcome::Read(read_document(1))).await;
    assert_eq!(ended.expect("finished").expect("held").state, DocumentState::Ready);
}

pub async fn concurrent_claims_share_the_documents(harness: &dyn DocumentStoreHarness) {
    let store = harness.store();
    let mut accepted = BTreeSet::new();
    for content in 1..=20 {
        let document = store.accept(&tenant("a"), document("3M", content)).await;
        accepted.insert(document.expect("accepted").id);
    }
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = harness.store();
        readers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(document) = store.claim(LEASE).await.expect("asked") {
                claimed.push(document.hold.id);
            }
            claimed
        });
    }
    let claimed: Vec<DocumentId> = readers.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), accepted.len());
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), accepted);
}

async fn claim(store: &dyn DocumentStore) -> ClaimedDocument {
    store.claim(LEASE).await.expect("asked").expect("a document to read")
}

fn unreadable() -> Problem {
    Problem::new(Code::DocumentUnreadable, Origin::Source, "it has no text")
        .in_trace("1".repeat(32))
}
