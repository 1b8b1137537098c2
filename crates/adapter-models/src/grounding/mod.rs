//! From what a model writes to an answer that can be verified: the same for every model.
//!
//! A model marks what its statements rest on: "Net sales were $32,765 million in 2018 [1]." The
//! marks are no part of the answer that readers see. [`AnswerReader`] takes them out while the text
//! streams, however it is cut, and remembers which part of the answer each of them is about;
//! [`quote`] finds the words of the passage that carry that part, since a citation is accepted only
//! with words that stand in its passage verbatim.

mod mark;
mod quote;
mod reader;

pub(crate) use reader::{AnswerReader, Written};

/// Bytes of an answer at the most: a book of 40,000 words is none.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// How an answer breaks the form. The words are for the model, which is asked once more, and for
/// the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormFault {
    /// It says nothing.
    #[error("it is empty")]
    Empty,
    /// A mark names a passage that was not given.
    #[error("it cites [{number}], and there are {passages} passages")]
    NoSuchPassage {
        /// The number in the mark.
        number: String,
        /// How many passages there are.
        passages: usize,
    },
    /// A mark stands before everything else.
    #[error("it begins with a citation: a citation stands after the statement that rests on it")]
    NothingCited,
    /// Something follows the last mark, or there is none.
    #[error("its last statement cites no passage")]
    Uncited,
    /// It has more marks than an answer may.
    #[error("it has more than {max} citations", max = engine::analysis::verify::CITATIONS_MAX)]
    TooManyCitations,
    /// It says what its passages do not.
    #[error("{0}")]
    Unverified(String),
    /// It is longer than an answer may be.
    #[error("it has more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// The provider ended it at the limit of its length.
    #[error("it was cut off at the limit of {max_output_tokens} tokens: it must be much shorter")]
    CutOff {
        /// The limit.
        max_output_tokens: u32,
    },
}
