//! Private servers for tests: each listens on loopback, lives in a folder of its own, and is gone
//! once the tests that started it are, however they end.

mod postgres;
pub mod rabbitmq;

pub use postgres::{Postgres, TestDatabase};
