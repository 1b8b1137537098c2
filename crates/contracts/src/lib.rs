//! What crosses a process boundary: requests, jobs, events, hints, news, problems and ids.
//!
//! These types are the wire contract of version 1. They know serde and nothing else: no runtime,
//! no web framework, no SQL. A reader of another release ignores what it does not know, so no
//! type here refuses unknown fields, except a client's own requests (see [`request`]).
#![warn(missing_docs)]

pub mod document;
pub mod event;
mod fields;
pub mod hint;
pub mod ids;
pub mod job;
pub mod limits;
pub mod problem;
pub mod request;
pub mod result;
#[cfg(feature = "schema")]
mod schema;
pub mod sse;
pub mod stream;
mod text;
pub mod ticket;
mod time;
pub mod trace;

pub use document::{Document, DocumentState};
pub use event::{Event, EventBody, EventPage};
pub use fields::FieldError;
pub use hint::{Hint, News};
pub use ids::{DocumentId, IdError, JobId, SourceId, TenantId, WorkerId};
pub use job::{Job, JobPage, JobState};
pub use problem::{Code, Origin, Problem};
pub use request::{CancelRequest, RequestError, Submission};
pub use result::AnalysisResult;
pub use stream::{ClientFrame, StreamControl};
pub use text::{truncate_chars, truncate_json};
pub use ticket::{Ticket, TicketJob, TicketRequest};
pub use time::Timestamp;
pub use trace::TraceContext;
