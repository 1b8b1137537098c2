//! Finds passages in a local index of the corpus.

mod cache;
mod companies;
mod profile;
mod rank;
mod schema;
mod search;
mod tokens;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use contracts::TenantId;
use engine::ports::{
    CallContext, Corpus, CorpusHead, RetrievalError, RetrievalQuery, Retrieved, Retriever,
    StoreError,
};
use tantivy::Searcher;

use cache::{Cache, CacheError, Progress};
use schema::Fields;

/// Changes that are read from the store at once.
const BATCH_CHANGES: usize = 8;
/// Batches between two commits: what a crash makes to be done again.
const BATCHES_A_COMMIT: usize = 8;

/// Ranks the passages of a document store with a tantivy index in a local directory.
///
/// The index is a cache. Before each query it is brought up to the store's generation of the
/// tenant's documents; missing, damaged, of another release or ahead of the store, it is built
/// anew. One process uses a directory at a time.
///
/// A query sees, and its scores depend on, the entries that its filters leave and no others.
pub struct PassageIndex {
    corpus: Arc<dyn Corpus>,
    disk: Arc<Disk>,
    /// Held by who brings the index up to the store: the others wait for the same work.
    catching_up: tokio::sync::Mutex<()>,
}

impl PassageIndex {
    /// The index of `corpus` in `directory`, which is made if it is missing. Touches neither
    /// before the first query.
    #[must_use]
    pub fn new(corpus: Arc<dyn Corpus>, directory: impl Into<PathBuf>) -> Self {
        let disk = Disk {
            directory: directory.into(),
            cache: Mutex::new(None),
            current: RwLock::new(Current::default()),
        };
        Self { corpus, disk: Arc::new(disk), catching_up: tokio::sync::Mutex::new(()) }
    }

    /// The index with all of the tenant's documents of now in it, and their generation.
    ///
    /// # Cancel safety
    /// What was indexed before the future is dropped may be indexed again.
    async fn caught_up(&self, tenant: &TenantId) -> Result<(Snapshot, u64), IndexError> {
        let CorpusHead { generation, .. } = self.corpus.head(tenant).await?;
        if let Some(snapshot) = self.disk.snapshot(tenant, generation) {
            return Ok((snapshot, generation));
        }
        let _turn = self.catching_up.lock().await;
        // Read again: somebody else may have gone past it while this call waited.
        let head = self.corpus.head(tenant).await?;
        if let Some(snapshot) = self.disk.snapshot(tenant, head.generation) {
            return Ok((snapshot, head.generation));
        }
        let generation = self.catch_up(tenant, head).await?;
        let snapshot = self.disk.snapshot(tenant, generation);
        let lost = || CacheError::Damaged("it was given up while it was built".to_owned());
        Ok((snapshot.ok_or_else(lost)?, generation))
    }

    async fn catch_up(&self, tenant: &TenantId, head: CorpusHead) -> Result<u64, IndexError> {
        let CorpusHead { generation: head, origin } = head;
        let known = self.on_disk(tenant, |cache, tenant| Ok(cache.progress(tenant))).await?;
        // Another origin, or a generation to come: this is not the store that was indexed.
        let known = known.filter(|known| known.origin == origin && known.generation <= head);
        let mut generation = known.map_or(0, |known| known.generation);
        if known.is_none() {
            self.on_disk(tenant, Cache::forget).await?;
        }
        let mut batches = 0;
        while generation < head {
            let step = self.corpus.changes(tenant, generation, BATCH_CHANGES).await?;
            if step.generation <= generation {
                return Err(IndexError::Stuck { generation, head });
            }
            generation = step.generation;
            batches += 1;
            let commit = generation >= head || batches % BATCHES_A_COMMIT == 0;
            let progress = commit.then_some(Progress { generation, origin });
            self.on_disk(tenant, move |cache, tenant| {
                cache.apply(tenant, &step.changes)?;
                progress.map_or(Ok(()), |progress| cache.commit(tenant, progress))
            })
            .await?;
        }
        if known.is_none() && head == 0 {
            let progress = Progress { generation, origin };
            self.on_disk(tenant, move |cache, tenant| cache.commit(tenant, progress)).await?;
        }
        self.on_disk(tenant, |cache, _| Ok(cache.searcher())).await.map(|(searcher, fields)| {
            self.disk.publish(tenant, generation, Snapshot { searcher, fields });
            generation
        })
    }

    /// Runs blocking work on the open index.
    async fn on_disk<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl FnOnce(&mut Cache, &TenantId) -> Result<T, CacheError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let (disk, tenant) = (Arc::clone(&self.disk), tenant.clone());
        blocking(move || disk.with_cache(|cache| work(cache, &tenant))).await
    }

    async fn retrieve_once(&self, query: &RetrievalQuery) -> Result<Retrieved, IndexError> {
        let (snapshot, generation) = self.caught_up(&query.tenant).await?;
        let query = query.clone();
        blocking(move || {
            let found = search::search(&snapshot.searcher, &snapshot.fields, &query)?;
            let passages = rank::rank(found.candidates, &query.plan, query.limit);
            Ok(Retrieved { generation, documents: found.documents, passages })
        })
        .await
    }
}

#[async_trait]
impl Retriever for PassageIndex {
    async fn retrieve(
        &self,
        _call: &CallContext,
        query: &RetrievalQuery,
    ) -> Result<Retrieved, RetrievalError> {
        match self.retrieve_once(query).await {
            Err(IndexError::Cache(error)) if error.is_cured_by_rebuild() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the index failed and is built anew"
                );
                let disk = Arc::clone(&self.disk);
                blocking(move || disk.rebuild()).await?;
                Ok(self.retrieve_once(query).await?)
            }
            other => Ok(other?),
        }
    }
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
enum IndexError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the store is at generation {head} and shows no change after {generation}")]
    Stuck { generation: u64, head: u64 },
}

impl From<IndexError> for RetrievalError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Store(error) => Self::Store(error),
            IndexError::Cache(_) | IndexError::Stuck { .. } => Self::Index(Box::new(error)),
        }
    }
}

/// The index on disk, and what of it can be searched.
struct Disk {
    directory: PathBuf,
    /// `None` until it is opened, and after it failed. Locked only off the runtime's threads.
    cache: Mutex<Option<Cache>>,
    current: RwLock<Current>,
}

/// What can be searched without touching the writer.
#[derive(Default)]
struct Current {
    snapshot: Option<Snapshot>,
    /// The tenants that were checked against the store since the index was opened.
    generations: BTreeMap<TenantId, u64>,
}

#[derive(Clone)]
struct Snapshot {
    searcher: Searcher,
    fields: Fields,
}

impl Disk {
    /// The newest snapshot, if it holds exactly this generation of the tenant's documents.
    fn snapshot(&self, tenant: &TenantId, generation: u64) -> Option<Snapshot> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let known = current.generations.get(tenant) == Some(&generation);
        current.snapshot.clone().filter(|_| known)
    }

    fn publish(&self, tenant: &TenantId, generation: u64, snapshot: Snapshot) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.snapshot = Some(snapshot);
        current.generations.insert(tenant.clone(), generation);
    }

    fn with_cache<T>(
        &self,
        work: impl FnOnce(&mut Cache) -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        // A poisoned lock means that tantivy panicked, as it does on damaged files.
        let mut cache = self.cache.lock().unwrap_or_else(|poisoned| {
            let mut cache = poisoned.into_inner();
            *cache = None;
            cache
        });
        let open = match cache.take() {
            Some(open) => open,
            None => Cache::open(&self.directory)?,
        };
        work(cache.insert(open))
    }

    /// Empties the index.
    fn rebuild(&self) -> Result<(), CacheError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current::default();
        // The old writer goes first: it holds the lock of the folder.
        *cache = None;
        *cache = Some(Cache::create(&self.directory)?);
        self.cache.clear_poison();
        Ok(())
    }
}

/// Runs blocking work off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CacheError> + Send + 'static,
) -> Result<T, IndexError> {
    let stopped = |error: tokio::task::JoinError| CacheError::Damaged(error.to_string());
    // What it logs is about whatever it works for.
    let span = tracing::Span::current();
    let work = move || span.in_scope(work);
    Ok(tokio::task::spawn_blocking(work).await.map_err(stopped)??)
}
