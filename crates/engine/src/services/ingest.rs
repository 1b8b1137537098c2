//! Taking documents in.

use std::sync::Arc;

use contracts::{DocumentId, TenantId, limits};
use sha2::{Digest as _, Sha256};

use crate::ports::{
    DocumentReader, DocumentStore, MediaType, NewDocument, ReadError, StoreError, Stored,
};

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

/// Why a file is not taken in. Nothing was stored.
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
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes documents in: reads them, and stores them with their passages.
#[derive(Clone)]
pub struct Ingest {
    documents: Arc<dyn DocumentStore>,
    reader: Arc<dyn DocumentReader>,
}

impl Ingest {
    /// The use case over these ports.
    #[must_use]
    pub fn new(documents: Arc<dyn DocumentStore>, reader: Arc<dyn DocumentReader>) -> Self {
        Self { documents, reader }
    }

    /// Reads a file and stores it. Every job started afterwards sees it. The same bytes for the
    /// same company are stored once.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn ingest(&self, tenant: &TenantId, file: NewFile) -> Result<Stored, IngestError> {
        check(&file)?;
        let bytes = file.bytes.len() as u64;
        let digest = Sha256::digest(&file.bytes);
        let content_sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let read = self.reader.read(file.bytes, file.media_type).await?;
        let new = NewDocument {
            id: DocumentId::new(),
            company: file.company.trim().to_owned(),
            title: file.title.trim().to_owned(),
            url: file.url,
            published_on: file.published_on,
            content_sha256,
            bytes,
            pages: read.pages,
            passages: read.passages,
        };
        Ok(self.documents.put(tenant, new).await?)
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
