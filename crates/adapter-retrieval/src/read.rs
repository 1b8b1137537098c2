//! From a document's bytes to its passages, whatever its type.

use async_trait::async_trait;
use engine::ports::{DocumentReader, MediaType, ReadDocument, ReadError};

use crate::{html, pdf, text};

/// Reads a document.
///
/// Hostile bytes can exhaust the stack, the memory or the patience of whoever calls this: only a
/// process that may die calls it with bytes that it does not know.
///
/// # Errors
/// [`ReadError`].
pub fn read(bytes: &[u8], media_type: MediaType) -> Result<ReadDocument, ReadError> {
    match media_type {
        MediaType::Text => text::read_plain(bytes),
        MediaType::Markdown => text::read_markdown(bytes),
        MediaType::Html => html::read(bytes),
        MediaType::Pdf => pdf::read(bytes),
    }
}

/// Reads documents within the process: for those that it trusts.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcessReader;

#[async_trait]
impl DocumentReader for InProcessReader {
    async fn read(&self, bytes: Vec<u8>, media_type: MediaType) -> Result<ReadDocument, ReadError> {
        let span = tracing::Span::current();
        let read = move || span.in_scope(|| read(&bytes, media_type));
        let reading = tokio::task::spawn_blocking(read);
        match reading.await {
            Ok(read) => read,
            Err(stopped) => Err(ReadError::Crashed(stopped.to_string())),
        }
    }
}
