//! What the engine needs from outside: the table of contents of the system.
//!
//! Each port promises; each adapter keeps the promise; one conformance suite per port, in the
//! `testkit` crate, holds every adapter to it.

mod clock;
mod corpus;
mod document_reader;
mod document_store;
mod hint_queue;
mod job_records;
mod job_store;
mod language_model;
mod progress_bus;
mod retriever;
mod secret_store;
mod tool;

pub use clock::{Clock, SystemClock};
pub use corpus::{
    Corpus, CorpusChange, CorpusChanges, CorpusHead, HEADING_SEPARATOR, Passage, StoredDocument,
};
pub use document_reader::{DocumentReader, MediaType, ReadDocument, ReadError};
pub use document_store::{ClaimedDocument, DocumentHold, DocumentStore, NewDocument, ReadOutcome};
pub use hint_queue::{Delivery, HintQueue, PublishError, QueueClosed, Receipt};
pub use job_records::{JobRecord, JobRecords, RecordPage, StoredRecord, Watch};
pub use job_store::{
    Backlog, Cancelled, Claimed, Committed, Deletion, Fence, IdempotencyKey, JobFilter, JobStore,
    LogHead, LogLimit, LogSlice, NewJob, PageCursor, Refill, Renewal, Resend, Snapshot, StepRecord,
    Submitted, Swept, Write, Written,
};
pub use language_model::{
    CallContext, LanguageModel, ModelError, OutputClosed, OutputSink, PassageCitation, Synthesis,
    SynthesisRequest, ToolChoice, ToolChoiceRequest,
};
pub use progress_bus::{NewsItem, NewsStream, ProgressBus};
pub use retriever::{RetrievalError, RetrievalQuery, Retrieved, RetrievedPassage, Retriever};
pub use secret_store::SecretStore;
pub use tool::{Effect, ToolArguments, ToolError, ToolExchange, ToolOutcome, ToolSpec, Toolbox};

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or is too busy. Nothing was written; trying again can help.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke while a write was under way: it may or may not have been committed.
    #[error("the outcome of a write is unknown")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store refuses this value, or holds what it should not. Trying again does not help.
    #[error("the store refuses a value")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
}
