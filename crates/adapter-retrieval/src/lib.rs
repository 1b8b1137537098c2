//! Documents in, passages out: reading text, indexing it, and ranking it for a question.
//!
//! [`TextReader`] turns a file's bytes into passages. [`PassageIndex`] finds them again: a local
//! cache of the document store, rebuilt from it whenever it is missing, damaged or out of step.

mod index;
mod text;

pub use index::PassageIndex;
pub use text::TextReader;
