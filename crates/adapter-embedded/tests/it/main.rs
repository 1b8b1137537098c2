//! The embedded adapters against the suites of their ports, and what only they promise.

mod conformance;
mod data_dir;
mod documents;
mod former;
mod progress_bus;
mod schema;
mod store;
