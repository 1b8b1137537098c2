//! Language models behind the engine's port.
//!
//! [`ExtractiveModel`] answers with the documents' own words and needs nothing but them.
//! [`ScriptedModel`], [`ScriptedRetriever`] and [`ScriptedTools`] stand in for real ones in load and
//! fault tests.

pub mod extractive;
pub mod scripted;

pub use extractive::ExtractiveModel;
pub use scripted::{ScriptedModel, ScriptedRetriever, ScriptedTools};
