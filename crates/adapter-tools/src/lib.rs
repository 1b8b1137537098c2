//! Tools behind the engine's port: what a model may have called for a job.
//!
//! [`Calculator`] is built in. [`McpServer`] offers what another program does, over the Model
//! Context Protocol (with the cargo feature `mcp`).

pub mod calculator;
#[cfg(feature = "mcp")]
pub mod mcp;
mod settings;

pub use calculator::Calculator;
#[cfg(feature = "mcp")]
pub use mcp::McpServer;
pub use settings::McpSettings;
