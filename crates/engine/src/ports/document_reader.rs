use async_trait::async_trait;

use super::document_store::Passage;

/// Turns a document's bytes into passages.
#[async_trait]
pub trait DocumentReader: Send + Sync {
    /// Reads a document. The result depends on the bytes and the type alone.
    ///
    /// Text is cleaned; passages are cut within pages, keep headings and table rows whole, and
    /// each passage's text stands verbatim in the cleaned page. Bounded in time and memory.
    async fn read(&self, bytes: Vec<u8>, media_type: MediaType) -> Result<ReadDocument, ReadError>;
}

/// The types of document that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `text/plain`; a form feed parts two pages.
    Text,
    /// `text/markdown`.
    Markdown,
}

impl MediaType {
    /// The type that a file name's extension stands for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Self::Text),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDocument {
    /// Its pages; `None` if its type has no pages.
    pub pages: Option<u32>,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
}

/// Why a document cannot be read. None of these changes by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not what the type says.
    #[error("not readable as text: {0}")]
    NotText(String),
    /// There is nothing to read in it.
    #[error("the document has no text")]
    NoText,
    /// It has more pages than are read.
    #[error("the document has {pages} pages, at most {max} are read")]
    TooManyPages {
        /// The pages it has.
        pages: usize,
        /// The pages that are read.
        max: usize,
    },
}
