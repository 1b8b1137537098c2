use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::corpus::Passage;

/// Turns a document's bytes into passages.
#[async_trait]
pub trait DocumentReader: Send + Sync {
    /// Reads a document. What is read depends on the bytes and the type alone; whether there is
    /// time and memory enough depends on the machine too.
    ///
    /// Text is cleaned; passages are cut within pages, keep headings and table rows whole, and
    /// each passage's text stands verbatim in the cleaned page. Bounded in time and memory,
    /// whatever the bytes are.
    ///
    /// # Cancel safety
    /// Dropping the future ends the reading.
    async fn read(&self, bytes: Vec<u8>, media_type: MediaType) -> Result<ReadDocument, ReadError>;
}

/// The types of document that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `text/plain`; a form feed parts two pages.
    Text,
    /// `text/markdown`.
    Markdown,
    /// `text/html`.
    Html,
    /// `application/pdf`.
    Pdf,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Markdown, Self::Html, Self::Pdf];

    /// The type that a file name's extension stands for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Self::Text),
            "md" | "markdown" => Some(Self::Markdown),
            "htm" | "html" | "xhtml" => Some(Self::Html),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    /// Its name as IANA registers it, without parameters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
        }
    }

    /// The type of this name: what [`Self::as_str`] gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.as_str() == name)
    }
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadDocument {
    /// Its pages; `None` if its type has no pages.
    pub pages: Option<u32>,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
}

/// Why a document cannot be read. Trying again does not help, save after [`Self::Unavailable`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ReadError {
    /// The bytes are not what the type says.
    #[error("it is not readable as {expected}: {reason}")]
    Malformed {
        /// What it was read as: "text", "PDF".
        expected: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It opens with a password alone.
    #[error("it is encrypted, and opens with a password alone")]
    Encrypted,
    /// There is nothing to read in it.
    #[error("it has no text: if its pages are pictures, it needs text recognition first")]
    NoText,
    /// It has more pages than are read.
    #[error("it has {pages} pages, at most {max} are read")]
    TooManyPages {
        /// The pages it has.
        pages: usize,
        /// The pages that are read.
        max: usize,
    },
    /// Its content needs more memory than a document may take.
    #[error("it takes more than {max_bytes} bytes of memory to read")]
    TooMuchMemory {
        /// What a document may take.
        max_bytes: u64,
    },
    /// Its content needs more time than a document may take.
    #[error("it takes more than {} s to read", max.as_secs())]
    TooSlow {
        /// What a document may take.
        max: Duration,
    },
    /// The program that read it broke down over it.
    #[error("the reader broke down over it: {0}")]
    Crashed(String),
    /// The reader could not be run to its end. That says nothing about the document: trying again
    /// may help, a bounded number of times.
    #[error("the reader is not available: {0}")]
    Unavailable(String),
}

impl ReadError {
    /// The bytes are not what the type says.
    #[must_use]
    pub fn malformed(expected: &str, reason: impl Into<String>) -> Self {
        Self::Malformed { expected: expected.to_owned(), reason: reason.into() }
    }
}
