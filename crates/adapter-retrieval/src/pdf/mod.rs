//! PDF, read into pages of text.
//!
//! [`document`] opens the file, [`content`] plays a page's drawing instructions and keeps the
//! characters with their places, [`layout`] makes lines of them. Page `n` of the file is page `n`
//! of what is read, empty pages included.

mod characters;
mod content;
mod document;
mod glyph;
mod layout;
mod streams;
mod text_state;

use contracts::limits::DOCUMENT_PAGES_MAX;
use engine::ports::{ReadDocument, ReadError};

use crate::text;
use content::Interpreter;
use document::Document;

/// What the bytes are read as.
const FORMAT: &str = "PDF";

/// Reads a PDF.
///
/// A page whose drawing instructions are damaged has the text that comes before the damage, none
/// if nothing does; the other pages are read. A file that is cut short, or whose pages cannot all
/// be found, is refused as a whole: half a report looks like a report, and its pages would have
/// wrong numbers.
///
/// Drawing instructions are bounded in bytes, in depth, and in the characters that they draw.
/// Fonts and the streams that objects are packed in are not: the library unpacks them.
///
/// # Errors
/// [`ReadError`]: among them [`ReadError::TooMuchMemory`] if a page's instructions unpack to more
/// than 64 MiB.
pub(crate) fn read(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    let document = Document::open(bytes)?;
    let pages = document.pages()?;
    if pages.len() > DOCUMENT_PAGES_MAX {
        return Err(ReadError::TooManyPages { pages: pages.len(), max: DOCUMENT_PAGES_MAX });
    }
    let mut interpreter = Interpreter::default();
    let mut texts = Vec::with_capacity(pages.len());
    for page in pages {
        texts.push(layout::lay_out(interpreter.glyphs(page)?));
    }
    text::read_pages(&texts)
}
