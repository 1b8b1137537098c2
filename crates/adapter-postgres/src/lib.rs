//! Jobs and documents in PostgreSQL: the store of a fleet.
//!
//! [`Store`] implements the ports [`JobStore`](engine::ports::JobStore),
//! [`JobRecords`](engine::ports::JobRecords), [`DocumentStore`](engine::ports::DocumentStore),
//! [`Corpus`](engine::ports::Corpus) and [`SecretStore`](engine::ports::SecretStore). Any number
//! of processes share one database; what one of them commits, the others see. [`migrate`] brings a
//! database to this release's form, once, before the first process of the release starts.

mod connector;
mod database;
mod document_store;
mod examination;
mod fault;
mod group_commit;
mod job_store;
mod migration;
mod secret_store;
mod settings;
mod sql;
mod store;
mod value;

pub use connector::ConnectError;
pub use examination::{Examined, examine};
pub use migration::{MigrateError, migrate, schema};
pub use settings::{Settings, SettingsError};
pub use store::{OpenError, Store};
