//! Language models of providers, over HTTP: two protocols, one behaviour.
//!
//! `HttpModel` asks and shows; a `Protocol` says how requests and streams look; `failure` says
//! what every failure means; `grounding` turns what was written into an answer that can be
//! verified.

mod anthropic;
mod failure;
mod model;
mod openai;
mod protocol;
mod retry_after;
mod settings;
mod stream;
mod tool_choice;

pub use model::HttpModel;
pub use settings::{ApiKey, Prices, ProviderSettings, SettingsFault};

/// A model that is asked as OpenAI's chat completions are: OpenAI, vLLM, Ollama, llama.cpp's
/// server.
pub type OpenAiModel = HttpModel<openai::OpenAi>;

/// A model that is asked as Anthropic's messages are.
pub type AnthropicModel = HttpModel<anthropic::Anthropic>;
