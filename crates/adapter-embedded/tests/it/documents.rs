//! What only the embedded store promises of documents.

use std::path::Path;
use std::sync::Arc;

use adapter_embedded::{DataDir, Store};
use contracts::{Code, DocumentId, DocumentState};
use engine::ports::{DocumentStore, NewDocument, ReadOutcome};
use engine::reading::{CRASHES_MAX, LEASE};
use testkit::build::{document, read_document, tenant};
use testkit::clock::ManualClock;

#[tokio::test]
async fn at_start_a_document_that_was_being_read_is_given_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let documents: Arc<dyn DocumentStore> = Arc::new(open(dir.path()));
    let new = document("3M", 1);
    documents.accept(&tenant("a"), new.clone()).await.expect("stored");
    let before = documents.claim(LEASE).await.expect("stored").unwrap();
    drop(documents);

    let documents: Arc<dyn DocumentStore> = Arc::new(open(dir.path()));
    let after = documents.claim(LEASE).await.expect("stored").unwrap();
    assert_eq!((after.hold.id, after.bytes), (new.id, new.bytes));
    let late =
        documents.finish(before.hold, ReadOutcome::Read(read_document(1))).await.expect("stored");
    assert!(late.is_none(), "the former process's claim is void");
    let ended =
        documents.finish(after.hold, ReadOutcome::Read(read_document(1))).await.expect("stored");
    assert_eq!(ended.expect("stored").state, DocumentState::Ready);
}

#[tokio::test]
async fn a_document_that_kills_every_process_is_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let id = document("3M", 1).id;
    for _ in 0..CRASHES_MAX {
        let documents: Arc<dyn DocumentStore> = Arc::new(open(dir.path()));
        documents.accept(&tenant("a"), document_with(id)).await.expect("stored");
        documents.claim(LEASE).await.expect("stored").unwrap();
    }
    let documents: Arc<dyn DocumentStore> = Arc::new(open(dir.path()));
    assert!(documents.claim(LEASE).await.expect("stored").is_none());
    let failed = documents.get(&tenant("a"), id).await.expect("stored").unwrap();
    assert_eq!(failed.state, DocumentState::Failed);
    assert_eq!(failed.error.map(|error| error.code), Some(Code::WorkerLost));
}

fn document_with(id: DocumentId) -> NewDocument {
    NewDocument { id, ..document("3M", 1) }
}

fn open(dir: &Path) -> Store {
    let owned = DataDir::open(dir).expect("owned");
    Store::open(owned, Arc::new(ManualClock::default())).expect("opened")
}
