//! Language models behind the engine's port.
//!
//! [`ExtractiveModel`] answers with the documents' own words and needs nothing but them.
//! [`OpenAiModel`] and [`AnthropicModel`] have models of providers write, over HTTP.
//! [`ScriptedModel`] and [`ScriptedRetriever`] stand in for real ones in load and fault tests.

pub mod extractive;
mod grounding;
mod provider;
pub mod scripted;

pub use extractive::ExtractiveModel;
pub use provider::{
    AnthropicModel, ApiKey, HttpModel, OpenAiModel, Prices, ProviderSettings, SettingsFault,
};
pub use scripted::{ScriptedModel, ScriptedRetriever};
