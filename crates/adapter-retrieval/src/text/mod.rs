//! From a file's bytes to passages: decode, clean, part into pages, cut.

mod clean;
mod decode;
mod headings;
mod lines;
mod passages;

use async_trait::async_trait;
use contracts::limits::DOCUMENT_PAGES_MAX;
use engine::ports::{DocumentReader, MediaType, ReadDocument, ReadError};

use clean::clean;
use decode::decode;
use headings::Outline;
use passages::cut;

/// Parts two pages of a plain text.
const FORM_FEED: char = '\u{c}';

/// Reads plain text and Markdown.
///
/// A plain text has pages, parted by form feeds: without one it is a single page. Markdown has
/// none. Time and memory are linear in the size of the document, and a document of `n` characters
/// has at most about `n / 150` passages more than it has pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextReader;

#[async_trait]
impl DocumentReader for TextReader {
    async fn read(&self, bytes: Vec<u8>, media_type: MediaType) -> Result<ReadDocument, ReadError> {
        let reading = tokio::task::spawn_blocking(move || read(&bytes, media_type));
        match reading.await {
            Ok(read) => read,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only the shutdown of the runtime cancels it; then nobody sees this answer.
                Err(_) => Err(ReadError::NotText("the reading was stopped".to_owned())),
            },
        }
    }
}

/// Reads a document.
fn read(bytes: &[u8], media_type: MediaType) -> Result<ReadDocument, ReadError> {
    let text = decode(bytes)?;
    match media_type {
        MediaType::Text => read_paged(&text),
        MediaType::Markdown => {
            let page = clean(&text.replace(FORM_FEED, "\n"));
            let passages = cut(&page, None, &mut Outline::markdown());
            if passages.is_empty() {
                return Err(ReadError::NoText);
            }
            Ok(ReadDocument { pages: None, passages })
        }
    }
}

fn read_paged(text: &str) -> Result<ReadDocument, ReadError> {
    // Converters end every page with a form feed, so what follows the last one is no page.
    let text = text.trim_end();
    if text.is_empty() {
        return Err(ReadError::NoText);
    }
    let pages = text.matches(FORM_FEED).count() + 1;
    if pages > DOCUMENT_PAGES_MAX {
        return Err(ReadError::TooManyPages { pages, max: DOCUMENT_PAGES_MAX });
    }
    let mut outline = Outline::plain();
    let mut passages = Vec::new();
    for (number, page) in (1..).zip(text.split(FORM_FEED)) {
        passages.append(&mut cut(&clean(page), Some(number), &mut outline));
    }
    if passages.is_empty() {
        return Err(ReadError::NoText);
    }
    Ok(ReadDocument { pages: u32::try_from(pages).ok(), passages })
}
