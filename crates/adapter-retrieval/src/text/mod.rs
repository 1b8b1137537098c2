//! From text to passages: decode, clean, part into pages, cut.

pub(crate) mod clean;
mod decode;
mod headings;
mod lines;
pub(crate) mod marks;
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

/// Cuts the pages of a document whose lines may be marked ([`marks`]); otherwise as
/// [`read_pages`]. One page alone is a document without pages.
///
/// # Errors
/// [`ReadError::NoText`], [`ReadError::TooManyPages`].
pub(crate) fn read_marked_pages<T: AsRef<str>>(pages: &[T]) -> Result<ReadDocument, ReadError> {
    if pages.len() > DOCUMENT_PAGES_MAX {
        return Err(ReadError::TooManyPages { pages: pages.len(), max: DOCUMENT_PAGES_MAX });
    }
    let paged = pages.len() > 1;
    let mut outline = Outline::marked();
    let mut passages = Vec::new();
    for (number, page) in (1..).zip(pages) {
        let number = paged.then_some(number);
        for mut passage in cut(&clean(page.as_ref()), number, &mut outline) {
            passage.text.retain(|c| !marks::is_mark(c));
            passages.push(passage);
        }
    }
    if passages.is_empty() {
        return Err(ReadError::NoText);
    }
    Ok(ReadDocument { pages: if paged { u32::try_from(pages.len()).ok() } else { None }, passages })
}
