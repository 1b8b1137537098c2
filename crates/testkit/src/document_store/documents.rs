//! Documents, generations and changes.

use std::collections::BTreeSet;

use contracts::{Document, DocumentId, DocumentState, TenantId};
use engine::ports::{Corpus, CorpusChange, CorpusHead, Passage, ReadDocument, StoredDocument};

use super::{DocumentStoreHarness, ready};
use crate::build::{document, read_document, tenant};

pub async fn a_document_says_nothing_until_it_is_read(harness: &dyn DocumentStoreHarness) {
    let (store, corpus, tenant) = (harness.store(), harness.corpus(), tenant("a"));
    let accepted = store.accept(&tenant, document("3M", 1)).await.expect("accepted");
    assert_eq!((accepted.state, accepted.pages), (DocumentState::Pending, None));
    assert_eq!(store.get(&tenant, accepted.id).await.expect("read"), Some(accepted.clone()));
    assert_eq!(store.list(&tenant, None, 10).await.expect("read"), [accepted]);
    let head = corpus.head(&tenant).await.expect("read");
    assert_eq!(head, CorpusHead { generation: 0, origin: None });
    assert!(added(corpus.as_ref(), &tenant, 0).await.is_empty());
}

pub async fn a_document_is_stored_with_its_passages(harness: &dyn DocumentStoreHarness) {
    let (store, corpus, tenant) = (harness.store(), harness.corpus(), tenant("a"));
    let (new, says) = (document("3M", 1), read_document(1));
    let stored = ready(store.as_ref(), &tenant, new.clone(), says.clone()).await;
    assert_eq!((stored.id, stored.state), (new.id, DocumentState::Ready));
    assert_eq!((&stored.title, &stored.content_sha256), (&new.title, &new.content_sha256));
    assert_eq!((stored.bytes, stored.pages), (1_000, says.pages));
    assert_eq!(store.get(&tenant, new.id).await.expect("read"), Some(stored.clone()));
    let head = corpus.head(&tenant).await.expect("read");
    assert_eq!(head, CorpusHead { generation: 1, origin: Some(new.id) });
    let seen = added(corpus.as_ref(), &tenant, 0).await;
    assert_eq!(seen, [StoredDocument { document: stored, passages: says.passages }]);
}

pub async fn the_same_bytes_for_the_same_company_are_stored_once(
    harness: &dyn DocumentStoreHarness,
) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let pending = store.accept(&tenant, document("3M", 1)).await.expect("accepted");
    let again = store.accept(&tenant, document("3M", 1)).await.expect("accepted");
    assert_eq!(again, pending, "also while it waits");
    let first = ready(store.as_ref(), &tenant, document("3M", 1), read_document(1)).await;
    for spelling in ["3m", "3M Company", " 3M "] {
        let again = store.accept(&tenant, document(spelling, 1)).await.expect("accepted");
        assert_eq!(again, first, "{spelling:?}");
    }
    ready(store.as_ref(), &tenant, document("3M", 2), read_document(2)).await;
    ready(store.as_ref(), &tenant, document("Boeing", 1), read_document(1)).await;
    assert_eq!(generation(harness, &tenant).await, 3);
}

pub async fn concurrent_puts_of_one_document_store_it_once(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut accepts = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (store, tenant) = (harness.store(), tenant.clone());
        accepts.spawn(async move { store.accept(&tenant, document("3M", 1)).await });
    }
    let accepted = accepts.join_all().await;
    let ids: BTreeSet<DocumentId> =
        accepted.into_iter().map(|document| document.expect("accepted").id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(store.list(&tenant, None, 10).await.expect("read").len(), 1);
}

pub async fn every_change_raises_the_generation_by_one(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    assert_eq!(generation(harness, &tenant).await, 0);
    for content in 1..=5 {
        ready(store.as_ref(), &tenant, document("3M", content), read_document(content)).await;
        assert_eq!(generation(harness, &tenant).await, u64::from(content));
    }
}

pub async fn changes_are_read_in_order_and_in_pages(harness: &dyn DocumentStoreHarness) {
    let (store, corpus, tenant) = (harness.store(), harness.corpus(), tenant("a"));
    let mut expected = Vec::new();
    for content in 1..=7 {
        let new = document("3M", content);
        expected.push(new.id);
        ready(store.as_ref(), &tenant, new, read_document(content)).await;
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = corpus.changes(&tenant, after, 3).await.expect("read");
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
    let one = corpus.changes(&tenant, 0, 0).await.expect("read");
    assert_eq!(one.changes.len(), 1, "a page has at least one change");
}

pub async fn an_index_ahead_of_the_store_learns_the_true_head(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    ready(store.as_ref(), &tenant, document("3M", 1), read_document(1)).await;
    let changes = harness.corpus().changes(&tenant, 9, 10).await.expect("read");
    assert!(changes.changes.is_empty());
    assert_eq!((changes.generation, changes.head), (1, 1));
}

pub async fn documents_are_listed_oldest_first_in_pages(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut expected = Vec::new();
    for content in 1..=5 {
        let accepted = store.accept(&tenant, document("3M", content)).await.expect("accepted");
        expected.push(accepted.id);
    }
    expected.sort_unstable();
    let mut seen: Vec<DocumentId> = Vec::new();
    loop {
        let page = store.list(&tenant, seen.last().copied(), 2).await.expect("read");
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|document| document.id));
    }
    assert_eq!(seen, expected);
}

pub async fn tenants_have_documents_of_their_own(harness: &dyn DocumentStoreHarness) {
    let (store, ours, theirs) = (harness.store(), tenant("a"), tenant("b"));
    let own = ready(store.as_ref(), &ours, document("3M", 1), read_document(1)).await;
    let same = ready(store.as_ref(), &theirs, document("3M", 1), read_document(1)).await;
    assert_ne!(same.id, own.id, "the same bytes of another tenant are another document");
    ready(store.as_ref(), &theirs, document("3M", 2), read_document(2)).await;
    assert_eq!(generation(harness, &ours).await, 1);
    assert_eq!(generation(harness, &theirs).await, 2);
    assert_eq!(store.get(&ours, same.id).await.expect("read"), None);
    assert_eq!(store.list(&ours, None, 10).await.expect("read"), [own]);
    assert_eq!(added(harness.corpus().as_ref(), &ours, 0).await.len(), 1);
}

pub async fn a_document_is_kept_exactly(harness: &dyn DocumentStoreHarness) {
    let (store, tenant) = (harness.store(), tenant("a"));
    let mut new = document("Ünï ☃ \u{10ffff}", 1);
    new.title = "'; DROP TABLE documents; -- \u{202e}".to_owned();
    new.url = None;
    new.published_on = None;
    let passage = Passage {
        page: None,
        heading: "a › b".to_owned(),
        table_head: "(Millions)   2018\n\t2017".to_owned(),
        text: String::new(),
    };
    let says = ReadDocument { pages: None, passages: vec![passage] };
    ready(store.as_ref(), &tenant, new.clone(), says.clone()).await;
    let seen = added(harness.corpus().as_ref(), &tenant, 0).await;
    let [seen] = &seen[..] else { panic!("one document") };
    let Document { company, title, url, published_on, pages, .. } = &seen.document;
    assert_eq!((company, title), (&new.company, &new.title));
    assert_eq!((url, published_on, pages), (&None, &None, &None));
    assert_eq!(seen.passages, says.passages);
}

async fn generation(harness: &dyn DocumentStoreHarness, tenant: &TenantId) -> u64 {
    harness.corpus().head(tenant).await.expect("read").generation
}

async fn added(corpus: &dyn Corpus, tenant: &TenantId, after: u64) -> Vec<StoredDocument> {
    let changes = corpus.changes(tenant, after, 100).await.expect("read").changes;
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
