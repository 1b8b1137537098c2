//! Language models behind the engine's port.
//!
//! [`ExtractiveModel`] answers with the documents' own words and needs nothing but them.
//! [`Guarded`] spares a model calls while it is out, and [`Fallback`] has another one answer then.
//! [`ScriptedModel`] and [`ScriptedRetriever`] stand in for real ones in load and fault tests.

pub mod extractive;
mod fallback;
mod guarded;
pub mod scripted;

pub use extractive::ExtractiveModel;
pub use fallback::Fallback;
pub use guarded::Guarded;
pub use scripted::{ScriptedModel, ScriptedRetriever};
