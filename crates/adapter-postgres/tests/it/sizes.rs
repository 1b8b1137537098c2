//! Documents of the largest size, over a slow wire.

use std::time::Duration;

use contracts::DocumentState;
use contracts::limits::{DOCUMENT_BYTES_MAX, DOCUMENT_PAGES_MAX};
use engine::ports::{
    Corpus as _, CorpusChange, DocumentStore, NewDocument, Passage, ReadDocument, ReadOutcome,
};
use engine::reading::LEASE;
use testkit::build::{document, tenant};
use testkit::servers::Postgres;

use crate::fleet::{Fleet, open};
use crate::proxy::{Fault, Proxy};

/// Passages of a document that is nothing but tables: fifteen a page.
const PASSAGES: usize = 30_000;
/// A wire on which the largest document takes longer than anything else may: 12 MB a second.
const SLOW: Fault = Fault::Slow(Duration::from_millis(5));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_the_largest_size_is_taken_in_over_a_slow_wire() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let proxy = Proxy::to(&fleet.url()).await;
    let store = open(proxy.url()).await;
    proxy.fail(SLOW);
    let bytes: Vec<u8> = (0..=250).cycle().take(DOCUMENT_BYTES_MAX).collect();
    let new = NewDocument { bytes: bytes.clone(), ..document("3M", 1) };
    store.accept(&tenant("a"), new).await.unwrap();
    let claimed = DocumentStore::claim(store.as_ref(), LEASE).await.unwrap().unwrap();
    assert!(claimed.bytes == bytes, "every byte came back");

    let read = largest();
    let outcome = ReadOutcome::Read(read.clone());
    let ended = store.finish(claimed.hold, outcome).await.unwrap().unwrap();
    assert_eq!(ended.state, DocumentState::Ready);
    let changes = store.changes(&tenant("a"), 0, 10).await.unwrap().changes;
    let [CorpusChange::Added(stored)] = &changes[..] else { panic!("one document was added") };
    assert!(stored.passages == read.passages, "every passage came back");
}

fn largest() -> ReadDocument {
    let passage = |n: usize| Passage {
        page: Some(u32::try_from(1 + n * DOCUMENT_PAGES_MAX / PASSAGES).expect("a page")),
        heading: "Notes to the consolidated financial statements".to_owned(),
        table_head: "In millions | 2021 | 2020 | 2019".to_owned(),
        text: format!("{n} net sales of the segment. ").repeat(40),
    };
    let passages = (0..PASSAGES).map(passage).collect();
    ReadDocument { pages: Some(u32::try_from(DOCUMENT_PAGES_MAX).expect("pages")), passages }
}
