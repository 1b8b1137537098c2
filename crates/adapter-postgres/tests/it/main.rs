//! The store in PostgreSQL against the suites of its ports, and what only it promises.

mod conformance;
mod fleet;
