//! Documents in, passages out: reading files, indexing what they say, and ranking it for a question.
//!
//! [`read()`] turns a file's bytes into passages; [`ReaderProcess`] has that done in a process that
//! may die over it. [`PassageIndex`] finds them again: a local cache of the document store, rebuilt
//! from it whenever it is missing, damaged or out of step.

mod html;
mod index;
mod pdf;
mod process;
mod read;
mod text;

pub use index::PassageIndex;
pub use process::{ReaderLimits, ReaderProcess, ServeError, serve_document};
pub use read::{InProcessReader, read};
