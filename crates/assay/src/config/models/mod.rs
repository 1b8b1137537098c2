//! The models that can answer: built-in ones, and those of providers.

mod reading;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::server::Secret;

pub(super) use reading::{Described, Keys, of_settings, of_tables};

/// Which models a process has.
#[derive(Debug, Clone, PartialEq)]
pub struct Models {
    /// Answers where a request names none.
    pub default: DefaultModel,
    /// Those of providers; each can be named by a request.
    pub providers: Vec<Provider>,
}

/// What answers where a request names no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultModel {
    /// The index over the documents, and the built-in extractive model.
    Extractive,
    /// Scripted stand-ins for both, for load and fault tests.
    Scripted {
        /// Delays each call.
        latency: Duration,
        /// Where each call leaves a line.
        ledger: Option<PathBuf>,
    },
    /// The provider of this name, over the index.
    Provider(String),
}

/// A model of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// What requests call it.
    pub name: String,
    /// What it is spoken to in.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: Url,
    /// What the provider calls it.
    pub model: String,
    /// What is shown to the provider.
    pub api_key: Key,
    /// To connect; the adapter's default if `None`, as with the others.
    pub connect_timeout: Option<Duration>,
    /// From the request to the first token.
    pub first_token_timeout: Option<Duration>,
    /// From one token to the next.
    pub idle_timeout: Option<Duration>,
    /// Calls at a time, of this process.
    pub concurrency: u32,
    /// Tokens of an answer.
    pub max_output_tokens: Option<u32>,
    /// 0 for the likeliest words; the provider's own value if `None`.
    pub temperature: Option<f64>,
    /// US dollars for a million tokens that it reads.
    pub input_usd_per_million: f64,
    /// US dollars for a million tokens that it writes.
    pub output_usd_per_million: f64,
    /// Who answers where it cannot, in order.
    pub fallback: Vec<String>,
}

/// What is shown to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Nothing: it asks for none.
    None,
    /// This.
    Known(Secret),
    /// Something that this process cannot read, and why. Only one that calls no model begins so.
    Unreadable(String),
}

impl Key {
    /// The key, if there is one here.
    #[must_use]
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Known(secret) => Some(secret),
            Self::None | Self::Unreadable(_) => None,
        }
    }
}

/// What a provider is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp, and many more.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

impl ProviderKind {
    /// The kind with this name.
    fn named(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            _ => None,
        }
    }

    const fn base_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com",
        }
    }

    /// Where its key usually is. It is looked for there only if the key goes to the provider itself.
    const fn key_variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Anthropic => "ANTHROPIC_API_KEY",
        }
    }
}
