//! HTML, read into pages of text.
//!
//! A page is read off its tags in one pass, without a tree: time is linear in the size of the
//! document whatever is nested in what, and memory is that of its text. The rules of the HTML
//! standard that move elements about are left out: on a hostile page their time grows with the
//! square of its size, and they change how a page looks more than what it says.

mod attributes;
mod decode;
mod element;
mod open_elements;
mod reading;
mod region;
mod table;
mod writer;

use std::convert::Infallible;

use engine::ports::{ReadDocument, ReadError};
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::text;

use decode::decode;
use reading::Reading;
use writer::PAGE_END;

/// Reads a page of the web, or a filing.
///
/// Its text is what a reader would see, less what stands on every page of a site; a row of a
/// table is a line. It has pages if its styles end any (`page-break-before`, `break-after` and
/// their like on the element itself), and none without. A page without text is not counted.
///
/// # Errors
/// [`ReadError::Malformed`] if it holds no element of HTML, [`ReadError::NoText`],
/// [`ReadError::TooManyPages`].
pub(crate) fn read(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    if bytes.trim_ascii().is_empty() {
        return Err(ReadError::NoText);
    }
    let written = read_off(&decode(bytes)?)?;
    let pages: Vec<&str> = written.split(PAGE_END).filter(|page| !page.is_empty()).collect();
    text::read_marked_pages(&pages)
}

/// The text of a document, its lines marked, its pages parted.
fn read_off(html: &str) -> Result<String, ReadError> {
    let mut reading = Reading::new();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
        reading.take(event);
        None::<Infallible>
    });
    emitter.naively_switch_states(true);
    match Tokenizer::new_with_emitter(html, emitter).finish() {
        Ok(()) => {}
        Err(never) => match never {},
    }
    if reading.elements() == 0 {
        return Err(ReadError::malformed("HTML", "there is no HTML element in it"));
    }
    Ok(reading.finish())
}
