//! A corpus in memory, and questions to an index of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_retrieval::{InProcessReader, PassageIndex};
use async_trait::async_trait;
use contracts::{Document, DocumentId, DocumentState, JobId, TenantId, Timestamp};
use engine::analysis::plan::plan;
use engine::ports::{
    CallContext, Corpus, CorpusChange, CorpusChanges, CorpusHead, DocumentReader, MediaType,
    Passage, RetrievalQuery, Retrieved, Retriever, StoreError, StoredDocument,
};

/// Documents in memory: one change a document.
#[derive(Default)]
pub(crate) struct MemoryCorpus {
    changes: Mutex<BTreeMap<TenantId, Vec<CorpusChange>>>,
    /// Changes that were read so far.
    pub(crate) read: AtomicUsize,
}

impl MemoryCorpus {
    /// Stores one passage as a document.
    pub(crate) async fn add(&self, company: &str, title: &str, text: &str) -> DocumentId {
        let passage = Passage {
            page: Some(1),
            heading: String::new(),
            table_head: String::new(),
            text: text.to_owned(),
        };
        self.add_for(&TenantId::default_tenant(), company, title, vec![passage]).await
    }

    /// Stores passages as a document of a tenant.
    pub(crate) async fn add_for(
        &self,
        tenant: &TenantId,
        company: &str,
        title: &str,
        passages: Vec<Passage>,
    ) -> DocumentId {
        let document = Document {
            id: DocumentId::new(),
            state: DocumentState::Ready,
            company: company.to_owned(),
            title: title.to_owned(),
            url: None,
            published_on: None,
            content_sha256: "0".repeat(64),
            bytes: 1,
            pages: Some(1),
            created_at: Timestamp::from_millis(0),
            error: None,
        };
        let id = document.id;
        let added = CorpusChange::Added(StoredDocument { document, passages });
        self.changes.lock().unwrap().entry(tenant.clone()).or_default().push(added);
        id
    }

    /// Reads a text and stores it.
    pub(crate) async fn add_text(&self, company: &str, title: &str, text: &str) -> DocumentId {
        let read = InProcessReader.read(text.as_bytes().to_vec(), MediaType::Text).await.unwrap();
        self.add_for(&TenantId::default_tenant(), company, title, read.passages).await
    }

    /// Takes a document out again.
    pub(crate) fn remove(&self, id: DocumentId) {
        let mut changes = self.changes.lock().unwrap();
        changes.get_mut(&TenantId::default_tenant()).unwrap().push(CorpusChange::Removed(id));
    }

    fn of(&self, tenant: &TenantId) -> Vec<CorpusChange> {
        self.changes.lock().unwrap().get(tenant).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Corpus for MemoryCorpus {
    async fn head(&self, tenant: &TenantId) -> Result<CorpusHead, StoreError> {
        let changes = self.of(tenant);
        let origin = changes.first().map(|change| match change {
            CorpusChange::Added(stored) => stored.document.id,
            CorpusChange::Removed(id) => *id,
        });
        Ok(CorpusHead { generation: changes.len() as u64, origin })
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<CorpusChanges, StoreError> {
        let all = self.of(tenant);
        let changes: Vec<_> = all.iter().skip(after as usize).take(limit).cloned().collect();
        self.read.fetch_add(changes.len(), Ordering::Relaxed);
        let generation = after + changes.len() as u64;
        Ok(CorpusChanges { changes, generation, head: all.len() as u64 })
    }
}

/// An index of a store, in a directory of its own.
pub(crate) struct Library {
    pub(crate) corpus: Arc<MemoryCorpus>,
    pub(crate) index: PassageIndex,
    pub(crate) directory: Arc<tempfile::TempDir>,
}

impl Library {
    pub(crate) fn new() -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::over(Arc::default(), directory)
    }

    /// An index of this store, in this directory.
    pub(crate) fn over(corpus: Arc<MemoryCorpus>, directory: Arc<tempfile::TempDir>) -> Self {
        let index = PassageIndex::new(corpus.clone(), directory.path());
        Self { corpus, index, directory }
    }

    /// The same store and directory, as the next process finds them.
    pub(crate) fn reopened(self) -> Self {
        let Self { corpus, index, directory } = self;
        drop(index);
        corpus.read.store(0, Ordering::Relaxed);
        Self::over(corpus, directory)
    }

    /// Asks about a company.
    pub(crate) async fn ask(&self, company: &str, question: &str) -> Retrieved {
        self.retrieve(&query(company, question)).await
    }

    pub(crate) async fn retrieve(&self, query: &RetrievalQuery) -> Retrieved {
        self.index.retrieve(&call(), query).await.unwrap()
    }
}

/// A question about a company's documents, for the tenant that needs no credentials.
pub(crate) fn query(company: &str, question: &str) -> RetrievalQuery {
    RetrievalQuery {
        tenant: TenantId::default_tenant(),
        company: Some(company.to_owned()),
        document_ids: None,
        question: question.to_owned(),
        plan: plan(company, question),
        limit: 8,
    }
}

pub(crate) fn call() -> CallContext {
    CallContext { job_id: JobId::new(), attempt: 1, failures: 0, left: Duration::from_secs(60) }
}

/// The titles of what was found, best first.
pub(crate) fn titles(retrieved: &Retrieved) -> Vec<&str> {
    retrieved.passages.iter().map(|passage| passage.title.as_str()).collect()
}
