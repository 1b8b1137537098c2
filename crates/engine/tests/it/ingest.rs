//! Taking documents in, over a store and with readers that misbehave.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use adapter_embedded::{DataDir, Store};
use async_trait::async_trait;
use contracts::{Code, Document, DocumentId, DocumentState, TenantId};
use engine::ports::{
    ClaimedDocument, DocumentHold, DocumentReader, DocumentStore, MediaType, NewDocument,
    ReadDocument, ReadError, ReadOutcome, StoreError, SystemClock,
};
use engine::reading::LEASE;
use engine::services::{Ingest, IngestError, NewFile};
use testkit::build::{read_document, tenant};
use testkit::eventually;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes longer, however slow the machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a reader does, and how often it was asked.
struct Reader {
    does: fn(u32) -> Does,
    asked: AtomicU32,
}

enum Does {
    Read,
    Refuse(ReadError),
    Hang,
}

impl Reader {
    fn that(does: fn(u32) -> Does) -> Arc<Self> {
        Arc::new(Self { does, asked: AtomicU32::new(0) })
    }
}

#[async_trait]
impl DocumentReader for Reader {
    async fn read(&self, _: Vec<u8>, _: MediaType) -> Result<ReadDocument, ReadError> {
        match (self.does)(self.asked.fetch_add(1, Ordering::SeqCst)) {
            Does::Read => Ok(read_document(1)),
            Does::Refuse(error) => Err(error),
            Does::Hang => std::future::pending().await,
        }
    }
}

/// A store that is away when the first readings end.
struct AwayAtTheEnd {
    store: Arc<dyn DocumentStore>,
    times: AtomicU32,
    /// Whether what was asked while it was away is done all the same.
    carries_out: bool,
}

#[async_trait]
impl DocumentStore for AwayAtTheEnd {
    async fn accept(&self, tenant: &TenantId, new: NewDocument) -> Result<Document, StoreError> {
        self.store.accept(tenant, new).await
    }

    async fn get(&self, tenant: &TenantId, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.store.get(tenant, id).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.store.list(tenant, after, limit).await
    }

    async fn claim(&self, lease: Duration) -> Result<Option<ClaimedDocument>, StoreError> {
        self.store.claim(lease).await
    }

    async fn renew(&self, hold: DocumentHold, lease: Duration) -> Result<bool, StoreError> {
        self.store.renew(hold, lease).await
    }

    async fn release(&self, hold: DocumentHold) -> Result<(), StoreError> {
        self.store.release(hold).await
    }

    async fn finish(
        &self,
        hold: DocumentHold,
        outcome: ReadOutcome,
    ) -> Result<Option<Document>, StoreError> {
        let left = |times: u32| times.checked_sub(1);
        if self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_err() {
            return self.store.finish(hold, outcome).await;
        }
        if self.carries_out {
            self.store.finish(hold, outcome).await?;
        }
        Err(StoreError::OutcomeUnknown("the reply was lost".into()))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.sweep(limit).await
    }
}

#[tokio::test]
async fn a_document_that_is_accepted_is_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let ingest = Ingest::new(store(dir.path()), Reader::that(|_| Does::Read));
    let accepted = ingest.accept(&tenant("a"), file()).await.unwrap();
    assert_eq!(accepted.state, DocumentState::Pending);
    let ended = ingest.finished(&tenant("a"), accepted.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.pages), (DocumentState::Ready, Some(2)));
    assert_eq!(ingest.finished(&tenant("b"), accepted.id).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_reader_refuses_is_failed_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let reader = Reader::that(|_| Does::Refuse(ReadError::Encrypted));
    let ingest = Ingest::new(store(dir.path()), reader.clone());
    let accepted = ingest.accept(&tenant("a"), file()).await.unwrap();
    let ended = ingest.finished(&tenant("a"), accepted.id).await.unwrap().unwrap();
    let error = ended.error.unwrap();
    assert_eq!((ended.state, error.code), (DocumentState::Failed, Code::DocumentUnreadable));
    assert_eq!(error.detail, ReadError::Encrypted.to_string());
    assert_eq!(error.trace_id.len(), 32);
    assert_eq!(reader.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_reader_that_is_not_available_does_not_cost_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let reader = Reader::that(|asked| match asked {
        0..5 => Does::Refuse(ReadError::Unavailable("no more processes".to_owned())),
        _ => Does::Read,
    });
    let ingest = Ingest::new(store(dir.path()), reader);
    let accepted = ingest.accept(&tenant("a"), file()).await.unwrap();
    let ended = ingest.finished(&tenant("a"), accepted.id).await.unwrap().unwrap();
    assert_eq!(ended.state, DocumentState::Ready);
}

#[tokio::test]
async fn a_document_that_is_read_when_the_process_stops_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let documents = store(dir.path());
    let reader = Reader::that(|_| Does::Hang);
    let ingest = Ingest::new(documents.clone(), reader.clone());
    let accepted = ingest.accept(&tenant("a"), file()).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(ingest.run(stop.clone()));
    let asked = async || (reader.asked.load(Ordering::SeqCst) == 1).then_some(());
    eventually(DEADLINE, asked).await;
    stop.cancel();
    running.await.unwrap();
    let claimed = documents.claim(LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.hold.id, accepted.id, "at once, not when the lease has passed");
}

#[tokio::test]
async fn what_was_read_is_not_lost_with_a_store_that_is_away_for_a_moment() {
    for carries_out in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let times = AtomicU32::new(2);
        let documents = AwayAtTheEnd { store: store(dir.path()), times, carries_out };
        let reader = Reader::that(|_| Does::Read);
        let ingest = Ingest::new(Arc::new(documents), reader.clone());
        let accepted = ingest.accept(&tenant("a"), file()).await.unwrap();
        let ended = ingest.finished(&tenant("a"), accepted.id).await.unwrap().unwrap();
        assert_eq!(ended.state, DocumentState::Ready);
        assert_eq!(reader.asked.load(Ordering::SeqCst), 1, "it is read once");
    }
}

#[tokio::test]
async fn a_file_that_breaks_a_rule_is_not_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let documents = store(dir.path());
    let ingest = Ingest::new(documents.clone(), Reader::that(|_| Does::Read));
    for wrong in [
        NewFile { company: " ".to_owned(), ..file() },
        NewFile { company: "x".repeat(201), ..file() },
        NewFile { title: "a\0b".to_owned(), ..file() },
        NewFile { published_on: Some("2026-02-30".to_owned()), ..file() },
        NewFile { url: Some(String::new()), ..file() },
    ] {
        let refused = ingest.accept(&tenant("a"), wrong.clone()).await;
        assert!(matches!(refused, Err(IngestError::Invalid(_))), "{wrong:?}");
    }
    let huge = NewFile { bytes: vec![0; 50_000_001], ..file() };
    let refused = ingest.accept(&tenant("a"), huge).await;
    assert!(matches!(refused, Err(IngestError::TooLarge { .. })));
    assert!(documents.list(&tenant("a"), None, 10).await.unwrap().is_empty());
}

fn store(dir: &Path) -> Arc<dyn DocumentStore> {
    let owned = DataDir::open(dir).unwrap();
    Arc::new(Store::open(owned, Arc::new(SystemClock::new())).unwrap())
}

fn file() -> NewFile {
    NewFile {
        company: "3M".to_owned(),
        title: "Report".to_owned(),
        url: None,
        published_on: Some("2019-02-07".to_owned()),
        media_type: MediaType::Text,
        bytes: b"Net sales 32,765".to_vec(),
    }
}
