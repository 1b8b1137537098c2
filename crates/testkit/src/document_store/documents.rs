//! Documents, generations and changes.

use std::collections::BTreeSet;

use contracts::{Document, DocumentId};
use engine::ports::{CorpusChange, DocumentStore, Passage, StoredDocument};

use super::DocumentStoreHarness;
use crate::build::{document, tenant};

pub async fn a_document_is_stored_with_its_passages(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let new = document("3M", 1);
    let stored = store.put(&tenant, new.clone()).await.expect("stored");
    assert!(stored.created);
    assert_eq!(stored.document.id, new.id);
    assert_eq!(stored.document.title, new.title);
    assert_eq!(stored.document.content_sha256, new.content_sha256);
    let seen = added(store.as_ref(), &tenant, 0).await;
    let expected = StoredDocument { document: stored.document, passages: new.passages };
    assert_eq!(seen, [expected]);
}

pub async fn the_same_bytes_for_the_same_company_are_stored_once(
    harness: &dyn DocumentStoreHarness,
) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let first = store.put(&tenant, document("3M", 1)).await.expect("stored").document;
    for spelling in ["3m", "3M Company", " 3M "] {
        let again = store.put(&tenant, document(spelling, 1)).await.expect("stored");
        assert!(!again.created, "{spelling:?}");
        assert_eq!(again.document, first);
    }
    assert!(store.put(&tenant, document("3M", 2)).await.expect("stored").created);
    assert!(store.put(&tenant, document("Boeing", 1)).await.expect("stored").created);
    assert_eq!(store.generation(&tenant).await.expect("read"), 3);
}

pub async fn concurrent_puts_of_one_document_store_it_once(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut puts = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (store, tenant) = (harness.store(), tenant.clone());
        puts.spawn(async move { store.put(&tenant, document("3M", 1)).await.expect("stored") });
    }
    let stored = puts.join_all().await;
    assert_eq!(stored.iter().filter(|stored| stored.created).count(), 1);
    let ids: BTreeSet<DocumentId> = stored.iter().map(|stored| stored.document.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(store.generation(&tenant).await.expect("read"), 1);
}

pub async fn every_change_raises_the_generation_by_one(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    assert_eq!(store.generation(&tenant).await.expect("read"), 0);
    for content in 1..=5 {
        store.put(&tenant, document("3M", content)).await.expect("stored");
        assert_eq!(store.generation(&tenant).await.expect("read"), u64::from(content));
    }
}

pub async fn changes_are_read_in_order_and_in_pages(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut expected = Vec::new();
    for content in 1..=7 {
        let new = document("3M", content);
        expected.push(new.id);
        store.put(&tenant, new).await.expect("stored");
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.changes(&tenant, after, 3).await.expect("read");
        assert_eq!(page.head, 7);
        assert!(page.changes.len() <= 3);
        if page.changes.is_empty() {
            assert_eq!(page.generation, page.head);
            break;
        }
        assert_eq!(page.generation, after + page.changes.len() as u64);
        after = page.generation;
        seen.extend(page.changes.iter().map(id_of));
    }
    assert_eq!(seen, expected);
    let one = store.changes(&tenant, 0, 0).await.expect("read");
    assert_eq!(one.changes.len(), 1, "a page has at least one change");
}

pub async fn an_index_ahead_of_the_store_learns_the_true_head(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    store.put(&tenant, document("3M", 1)).await.expect("stored");
    let changes = store.changes(&tenant, 9, 10).await.expect("read");
    assert!(changes.changes.is_empty());
    assert_eq!((changes.generation, changes.head), (1, 1));
}

pub async fn documents_are_listed_oldest_first_in_pages(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    // Ids are chosen before the documents are read: their order is not the order of storing.
    let mut new: Vec<_> = (1..=5).map(|content| document("3M", content)).collect();
    new.reverse();
    let expected: Vec<DocumentId> = new.iter().map(|new| new.id).collect();
    for document in new {
        store.put(&tenant, document).await.expect("stored");
    }
    let mut seen: Vec<DocumentId> = Vec::new();
    loop {
        let page = store.list(&tenant, seen.last().copied(), 2).await.expect("read");
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|document| document.id));
    }
    assert_eq!(seen, expected);
    let beyond = store.list(&tenant, Some(DocumentId::new()), 2).await.expect("read");
    assert!(beyond.is_empty(), "nothing comes after a document that is not there");
}

pub async fn tenants_have_documents_of_their_own(harness: &dyn DocumentStoreHarness) {
    let (store, ours, theirs) = (harness.store(), tenant("a"), tenant("b"));
    store.put(&ours, document("3M", 1)).await.expect("stored");
    let same = store.put(&theirs, document("3M", 1)).await.expect("stored");
    assert!(same.created, "the same bytes of another tenant are another document");
    store.put(&theirs, document("3M", 2)).await.expect("stored");
    assert_eq!(store.generation(&ours).await.expect("read"), 1);
    assert_eq!(store.generation(&theirs).await.expect("read"), 2);
    let listed = store.list(&ours, None, 10).await.expect("read");
    assert!(listed.iter().all(|document| document.id != same.document.id));
    assert_eq!(added(store.as_ref(), &ours, 0).await.len(), 1);
    let behind = store.list(&ours, Some(same.document.id), 10).await.expect("read");
    assert!(behind.is_empty(), "another tenant's document is no place in our list");
}

pub async fn a_document_is_kept_exactly(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut new = document("Ünï ☃ \u{10ffff}", 1);
    new.title = "'; DROP TABLE documents; -- \u{202e}".to_owned();
    new.url = None;
    new.published_on = None;
    new.pages = None;
    new.passages = vec![Passage {
        page: None,
        heading: "a › b".to_owned(),
        table_head: "(Millions)   2018\n\t2017".to_owned(),
        text: String::new(),
    }];
    store.put(&tenant, new.clone()).await.expect("stored");
    let [seen] = &added(store.as_ref(), &tenant, 0).await[..] else { panic!("one document") };
    let Document { company, title, url, published_on, pages, .. } = &seen.document;
    assert_eq!((company, title), (&new.company, &new.title));
    assert_eq!((url, published_on, pages), (&None, &None, &None));
    assert_eq!(seen.passages, new.passages);
}

async fn added(
    store: &dyn DocumentStore,
    tenant: &contracts::TenantId,
    after: u64,
) -> Vec<StoredDocument> {
    let changes = store.changes(tenant, after, 100).await.expect("read").changes;
    let added = changes.into_iter().filter_map(|change| match change {
        CorpusChange::Added(document) => Some(document),
        CorpusChange::Removed(_) => None,
    });
    added.collect()
}

fn id_of(change: &CorpusChange) -> DocumentId {
    match change {
        CorpusChange::Added(stored) => stored.document.id,
        CorpusChange::Removed(id) => *id,
    }
}
