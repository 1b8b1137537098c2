//! From text to passages: decode, clean, part into pages, cut.

mod clean;
mod decode;
mod headings;
mod lines;
mod passages;

use contracts::limits::DOCUMENT_PAGES_MAX;
use engine::ports::{ReadDocument, ReadError};

use clean::clean;
use decode::decode;
use headings::Outline;
use passages::cut;

/// Parts two pages of a plain text.
const FORM_FEED: char = '\u{c}';

/// Reads plain text.
///
/// It has pages, parted by form feeds: without one it is a single page. Time and memory are linear
/// in the size of the document, and a document of `n` characters has at most about `n / 150`
/// passages more than it has pages.
///
/// # Errors
/// [`ReadError`].
pub(crate) fn read_plain(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    let text = decode(bytes)?;
    // Converters end every page with a form feed, so what follows the last one is no page.
    let text = text.trim_end();
    if text.is_empty() {
        return Err(ReadError::NoText);
    }
    let pages = text.matches(FORM_FEED).count() + 1;
    if pages > DOCUMENT_PAGES_MAX {
        return Err(ReadError::TooManyPages { pages, max: DOCUMENT_PAGES_MAX });
    }
    let pages: Vec<&str> = text.split(FORM_FEED).collect();
    read_pages(&pages)
}

/// Reads Markdown. It has no pages; otherwise as [`read_plain`].
///
/// # Errors
/// [`ReadError`].
pub(crate) fn read_markdown(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    let text = decode(bytes)?;
    let page = clean(&text.replace(FORM_FEED, "\n"));
    let passages = cut(&page, None, &mut Outline::markdown());
    if passages.is_empty() {
        return Err(ReadError::NoText);
    }
    Ok(ReadDocument { pages: None, passages })
}

/// Cuts the pages of a document into passages. A page is lines of plain text; columns are parted
/// by two spaces or more.
///
/// # Errors
/// [`ReadError::NoText`].
pub(crate) fn read_pages<T: AsRef<str>>(pages: &[T]) -> Result<ReadDocument, ReadError> {
    let mut outline = Outline::plain();
    let mut passages = Vec::new();
    for (number, page) in (1..).zip(pages) {
        passages.append(&mut cut(&clean(page.as_ref()), Some(number), &mut outline));
    }
    if passages.is_empty() {
        return Err(ReadError::NoText);
    }
    Ok(ReadDocument { pages: u32::try_from(pages.len()).ok(), passages })
}
