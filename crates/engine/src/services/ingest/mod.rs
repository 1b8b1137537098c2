//! Taking documents in.

mod read;

use std::sync::Arc;
use std::time::Duration;

use contracts::{Document, DocumentId, DocumentState, TenantId, TraceContext, limits};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::upkeep::Turns;
use crate::ports::{DocumentReader, DocumentStore, MediaType, NewDocument, StoreError};

/// How often to look for documents that nobody reads, when there were none.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often to look whether a document that somebody else reads has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Documents that one sweep brings to their fate.
const SWEEP_MAX: usize = 1_000;

/// A file to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The company that it is about.
    pub company: String,
    /// Its title.
    pub title: String,
    /// Where it was published.
    pub url: Option<String>,
    /// When it was published: a calendar date, `2026-11-22`.
    pub published_on: Option<String>,
    /// How to read it.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a file is not accepted. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Something about the file, such as its company's name, breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// It is larger than what is read.
    #[error("the document has {bytes} bytes, at most {max} are read")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// What is read.
        max: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes documents in: accepts them, reads them, and stores what they say.
///
/// A document that was accepted is read by some process, whatever becomes of this one.
#[derive(Clone)]
pub struct Ingest {
    documents: Arc<dyn DocumentStore>,
    reader: Arc<dyn DocumentReader>,
    trace_ratio: f64,
}

impl Ingest {
    /// The use case over these ports. Of the documents that it accepts, none is traced.
    #[must_use]
    pub fn new(documents: Arc<dyn DocumentStore>, reader: Arc<dyn DocumentReader>) -> Self {
        Self { documents, reader, trace_ratio: 0.0 }
    }

    /// Of the documents that it accepts, the share `ratio` is traced: 0.0 to 1.0.
    #[must_use]
    pub fn with_trace_ratio(self, ratio: f64) -> Self {
        Self { trace_ratio: ratio, ..self }
    }

    /// Accepts a file. It is `pending` from now on, unless the same bytes for the same company are
    /// known already: then their document comes back, as [`DocumentStore::accept`] says.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn accept(&self, tenant: &TenantId, file: NewFile) -> Result<Document, IngestError> {
        check(&file)?;
        let digest = Sha256::digest(&file.bytes);
        let new = NewDocument {
            id: DocumentId::new(),
            company: file.company.trim().to_owned(),
            title: file.title.trim().to_owned(),
            url: file.url,
            published_on: file.published_on,
            media_type: file.media_type,
            content_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: file.bytes,
            trace: TraceContext::begin(self.trace_ratio),
        };
        Ok(self.documents.accept(tenant, new).await?)
    }

    /// Waits for a document's end, and lends a hand: as long as it is pending, this reads what is
    /// to be read, so that it needs nobody else. `None` if there is no such document.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Cancel safety
    /// A document that is read when the future is dropped is read again by somebody else, once its
    /// lease has passed.
    pub async fn finished(
        &self,
        tenant: &TenantId,
        id: DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        loop {
            match self.documents.get(tenant, id).await? {
                Some(document) if document.state == DocumentState::Pending => {}
                ended => return Ok(ended),
            }
            // It may have been in the hands of a process that died, and nobody else be there.
            self.documents.sweep(SWEEP_MAX).await?;
            if !self.read_next(&CancellationToken::new()).await? {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// Reads what is pending until `stop`, one document at a time, and brings back what processes
    /// that died have left. Every process may do this, as often as it reads side by side.
    ///
    /// A document that is read when `stop` comes is given back.
    pub async fn run(self, stop: CancellationToken) {
        let mut turns = Turns::every(INTERVAL, stop.clone());
        while turns.next().await {
            if let Err(error) = self.work_off(&stop).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "documents not read");
            }
        }
    }

    async fn work_off(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        while self.documents.sweep(SWEEP_MAX).await? == SWEEP_MAX {}
        while !stop.is_cancelled() && self.read_next(stop).await? {}
        Ok(())
    }
}

fn check(file: &NewFile) -> Result<(), IngestError> {
    let bytes = file.bytes.len();
    if bytes > limits::DOCUMENT_BYTES_MAX {
        let max = limits::DOCUMENT_BYTES_MAX as u64;
        return Err(IngestError::TooLarge { bytes: bytes as u64, max });
    }
    let text = |name: &str, text: &str, max: usize| {
        let length = text.trim().chars().count();
        if text.contains('\0') || length == 0 || length > max {
            let rule = format!("the {name} must have 1 to {max} characters and no NUL");
            return Err(IngestError::Invalid(rule));
        }
        Ok(())
    };
    text("company's name", &file.company, *limits::COMPANY_NAME_CHARS.end())?;
    text("title", &file.title, 500)?;
    if let Some(url) = &file.url {
        text("url", url, 2_000)?;
    }
    if let Some(date) = &file.published_on
        && date.parse::<jiff::civil::Date>().is_err()
    {
        let rule = format!("published_on must be a date such as 2026-11-22, not {date:?}");
        return Err(IngestError::Invalid(rule));
    }
    Ok(())
}
