//! The embedded adapters: jobs and documents in one SQLite file, hints and news within the
//! process.
//!
//! One process owns the file ([`DataDir`]). [`Store`] implements the ports
//! [`JobStore`](engine::ports::JobStore), [`DocumentStore`](engine::ports::DocumentStore),
//! [`Corpus`](engine::ports::Corpus) and [`SecretStore`](engine::ports::SecretStore), [`Records`]
//! the port [`JobRecords`](engine::ports::JobRecords), [`InProcessHintQueue`] and
//! [`InProcessProgressBus`] the other two.

mod data_dir;
mod database;
mod document_store;
mod fault;
mod hint_queue;
mod job_store;
mod names;
mod progress_bus;
mod secret_store;
mod sql;
mod store;

pub use data_dir::{DataDir, DataDirError, Owner};
pub use database::{OpenError, WriteCounts};
pub use hint_queue::InProcessHintQueue;
pub use job_store::Records;
pub use progress_bus::InProcessProgressBus;
pub use store::{Store, schema};
