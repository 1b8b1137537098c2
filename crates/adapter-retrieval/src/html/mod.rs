//! HTML, read into pages of text.

use engine::ports::{ReadDocument, ReadError};

pub(crate) fn read(_bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    Err(ReadError::malformed("HTML", "this release does not read it"))
}
