//! Language models behind the engine's port.
//!
//! [`ExtractiveModel`] answers with the documents' own words and needs nothing but them.
//! [`OpenAiModel`] and [`AnthropicModel`] have models of providers write, over HTTP. [`Guarded`]
//! spares a model calls while it is out, and [`Fallback`] has another one answer then.
//! [`ScriptedModel`], [`ScriptedRetriever`] and [`ScriptedTools`] stand in for real ones in load and
//! fault tests.

pub mod extractive;
mod fallback;
mod grounding;
mod guarded;
mod provider;
pub mod scripted;

pub use extractive::ExtractiveModel;
pub use fallback::Fallback;
pub use guarded::Guarded;
pub use provider::{
    AnthropicModel, ApiKey, HttpModel, OpenAiModel, Prices, ProviderSettings, SettingsFault,
};
pub use scripted::{ScriptedModel, ScriptedRetriever, ScriptedTools};
