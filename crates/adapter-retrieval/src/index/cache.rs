//! The index on disk. Everything here blocks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use contracts::{DocumentId, TenantId};
use engine::ports::CorpusChange;
use serde::{Deserialize, Serialize};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use super::schema::{Fields, VERSION};
use super::tokens::{ENGLISH, English};

/// The folder below the given directory that is emptied for a rebuild.
const FOLDER: &str = "passages";
/// Tells which release's fields the folder holds.
const VERSION_FILE: &str = "schema-version";
/// Memory in which entries are collected before they are written.
const WRITER_BYTES: usize = 30_000_000;

/// Why the index on disk does not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CacheError {
    /// Another process writes to it.
    #[error("another process writes to the index")]
    Locked,
    /// It cannot be read or written.
    #[error(transparent)]
    Index(TantivyError),
    /// The folder cannot be emptied or written to.
    #[error(transparent)]
    Folder(#[from] io::Error),
    /// What it holds is not what was written.
    #[error("the index is damaged: {0}")]
    Damaged(String),
}

impl CacheError {
    /// Whether an empty index would work.
    pub(super) const fn is_cured_by_rebuild(&self) -> bool {
        match self {
            Self::Index(_) | Self::Damaged(_) => true,
            Self::Locked | Self::Folder(_) => false,
        }
    }
}

impl From<TantivyError> for CacheError {
    fn from(error: TantivyError) -> Self {
        if matches!(error, TantivyError::LockFailure(..)) {
            Self::Locked
        } else {
            Self::Index(error)
        }
    }
}

/// How far a tenant's documents are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The generation that was reached.
    pub(super) generation: u64,
    /// Where the tenant's generations began: a store that was made anew has another origin.
    pub(super) origin: Option<DocumentId>,
}

/// The open index, with its one writer.
pub(super) struct Cache {
    fields: Fields,
    index: Index,
    reader: IndexReader,
    /// Made when there is something to write: it takes a thread and the writer's lock.
    writer: Option<IndexWriter>,
    progress: BTreeMap<TenantId, Progress>,
}

impl Cache {
    /// Opens the index below `directory`; an empty one if there is none that can be used.
    pub(super) fn open(directory: &Path) -> Result<Self, CacheError> {
        let folder = folder(directory);
        match Self::open_existing(&folder) {
            Ok(cache) => Ok(cache),
            Err(reason) => {
                tracing::info!(folder = %folder.display(), %reason, "building the index anew");
                Self::create(directory)
            }
        }
    }

    fn open_existing(folder: &Path) -> Result<Self, CacheError> {
        let version = fs::read_to_string(folder.join(VERSION_FILE))?;
        if version.trim() != VERSION.to_string() {
            return Err(CacheError::Damaged(format!("it has the schema version {version:?}")));
        }
        let index = Index::open_in_dir(folder)?;
        let (schema, fields) = Fields::schema();
        if index.schema() != schema {
            return Err(CacheError::Damaged("it has other fields".to_owned()));
        }
        if let Some(file) = index.validate_checksum()?.iter().next() {
            return Err(CacheError::Damaged(format!(
                "the checksum of {} is wrong",
                file.display()
            )));
        }
        let payload = index.load_metas()?.payload.unwrap_or_else(|| "{}".to_owned());
        let progress = serde_json::from_str(&payload)
            .map_err(|error| CacheError::Damaged(format!("its progress is unreadable: {error}")))?;
        Self::over(index, fields, progress)
    }

    /// Empties the folder, and opens an empty index in it.
    pub(super) fn create(directory: &Path) -> Result<Self, CacheError> {
        let folder = folder(directory);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => fs::create_dir_all(&folder)?,
        }
        let (schema, fields) = Fields::schema();
        let index = Index::create_in_dir(&folder, schema)?;
        // Written last: a folder without it was left half made.
        fs::write(folder.join(VERSION_FILE), VERSION.to_string())?;
        Self::over(index, fields, BTreeMap::new())
    }

    fn over(
        index: Index,
        fields: Fields,
        progress: BTreeMap<TenantId, Progress>,
    ) -> Result<Self, CacheError> {
        index.tokenizers().register(ENGLISH, English::default());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { fields, index, reader, writer: None, progress })
    }

    /// How far a tenant's documents are indexed; `None` if not at all.
    pub(super) fn progress(&self, tenant: &TenantId) -> Option<Progress> {
        self.progress.get(tenant).copied()
    }

    /// The index as of the last commit.
    pub(super) fn searcher(&self) -> (Searcher, Fields) {
        (self.reader.searcher(), self.fields)
    }

    /// Drops all that is known of a tenant, with the next commit.
    pub(super) fn forget(&mut self, tenant: &TenantId) -> Result<(), CacheError> {
        let term = self.fields.tenant_term(tenant);
        self.writer()?.delete_term(term);
        self.progress.remove(tenant);
        Ok(())
    }

    /// Takes changes in, with the next commit. Taking the same change in twice changes nothing.
    pub(super) fn apply(
        &mut self,
        tenant: &TenantId,
        changes: &[CorpusChange],
    ) -> Result<(), CacheError> {
        let fields = self.fields;
        let writer = self.writer()?;
        for change in changes {
            match change {
                CorpusChange::Added(stored) => {
                    writer.delete_term(fields.document_term(tenant, stored.document.id));
                    for entry in fields.entries(tenant, stored) {
                        writer.add_document(entry)?;
                    }
                }
                CorpusChange::Removed(document_id) => {
                    writer.delete_term(fields.document_term(tenant, *document_id));
                }
            }
        }
        Ok(())
    }

    /// Makes what was taken in durable and visible, together with how far it reaches.
    pub(super) fn commit(
        &mut self,
        tenant: &TenantId,
        progress: Progress,
    ) -> Result<(), CacheError> {
        self.progress.insert(tenant.clone(), progress);
        let payload = serde_json::to_string(&self.progress)
            .map_err(|error| CacheError::Damaged(error.to_string()))?;
        let mut commit = self.writer()?.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.reader.reload()?;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, CacheError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.index.writer_with_num_threads(1, WRITER_BYTES)?,
        };
        Ok(self.writer.insert(writer))
    }
}

fn folder(directory: &Path) -> PathBuf {
    directory.join(FOLDER)
}
