//! Tools through the engine's port.

mod calculator;
#[cfg(feature = "mcp")]
mod mcp;
mod support;
