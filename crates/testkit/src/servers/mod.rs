//! Private servers for tests, started from installed programs.

pub mod rabbitmq;
