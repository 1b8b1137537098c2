//! Opening a file, and what is wrong with one that does not open.

use engine::ports::ReadError;
use hayro_font::hayro_syntax::object::Dict;
use hayro_font::hayro_syntax::page::Page;
use hayro_font::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::FORMAT;

const HEADER: &[u8] = b"%PDF-";
/// Readers look for the header so far into the file (ISO 32000-1, annex H.3.4.1).
const HEADER_BYTES_MAX: usize = 1_024;
/// Stands before the place of the table of objects, at the end of the file.
const TABLE_PLACE: &[u8] = b"startxref";
/// Readers look for the end so far from the end of the file, for the same reason; and as much
/// again, because mail programs and web servers add to files.
const END_BYTES_MAX: usize = 2_048;

/// An opened PDF.
pub(super) struct Document(Pdf);

impl Document {
    /// Opens a file, with the empty password if it is encrypted.
    pub(super) fn open(bytes: &[u8]) -> Result<Self, ReadError> {
        let head = &bytes[..bytes.len().min(HEADER_BYTES_MAX + HEADER.len())];
        if !contains(head, HEADER) {
            return Err(malformed("it does not begin as a PDF does"));
        }
        let padding =
            bytes.iter().rev().take_while(|byte| matches!(byte, 0 | b' ' | b'\r' | b'\n'));
        let content = &bytes[..bytes.len() - padding.count()];
        let end = &content[content.len().saturating_sub(END_BYTES_MAX)..];
        if !contains(end, TABLE_PLACE) {
            return Err(malformed("it ends early: the table of its objects is missing"));
        }
        Pdf::new(bytes.to_vec()).map(Self).map_err(refused)
    }

    /// The pages, in the order of the page tree.
    ///
    /// # Errors
    /// [`ReadError::Malformed`] if the tree is missing, or names pages that are not there: the
    /// pages after them would have wrong numbers.
    pub(super) fn pages(&self) -> Result<&[Page<'_>], ReadError> {
        let xref = self.0.xref();
        let catalog: Dict<'_> =
            xref.get(xref.root_id()).ok_or_else(|| malformed("it has no catalog"))?;
        let tree = catalog.get::<Dict<'_>>("Pages").filter(|tree| tree.contains_key("Kids"));
        let tree = tree.ok_or_else(|| malformed("it has no page tree"))?;
        let pages: &[Page<'_>] = self.0.pages();
        if pages.is_empty() {
            return Err(malformed("it has no pages"));
        }
        let named = tree.get::<i64>("Count").and_then(|count| usize::try_from(count).ok());
        match named {
            Some(named) if named > pages.len() => {
                let there = pages.len();
                Err(malformed(format!("it names {named} pages, and {there} of them are there")))
            }
            Some(_) | None => Ok(pages),
        }
    }
}

fn refused(error: LoadPdfError) -> ReadError {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ReadError::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            malformed("it is encrypted in a way that is not known")
        }
        LoadPdfError::Decryption(
            DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption,
        ) => malformed("it is encrypted, and what is needed to open it is damaged"),
        LoadPdfError::Invalid => malformed("no page can be found in it"),
    }
}

fn malformed(reason: impl Into<String>) -> ReadError {
    ReadError::malformed(FORMAT, reason)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
