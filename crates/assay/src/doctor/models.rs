use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde::Deserialize;

use super::{Finding, told};
use crate::config::{Config, DefaultModel, Key, Provider, ProviderKind};

/// To connect, and to answer altogether.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes of a list of models that are read.
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a list of models says.
#[derive(Deserialize)]
struct List {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

/// What answers where a request names no model.
pub(super) fn default(config: &Config) -> Finding {
    let seen = match &config.models.default {
        DefaultModel::Extractive => "extractive, built in".to_owned(),
        DefaultModel::Scripted { .. } => {
            let advice = "set ASSAY_MODEL to something else where people ask questions";
            return Finding::warn("model", "scripted: a stand-in for tests", advice);
        }
        DefaultModel::Provider(name) => name.clone(),
    };
    Finding::ok("model", seen)
}

/// Whether a provider is reached, takes the key and has the model. Nothing that costs is asked.
pub(super) async fn check(provider: &Provider) -> Finding {
    let what = format!("model {}", provider.name);
    if let Key::Unreadable(detail) = &provider.api_key {
        let seen = format!("the key cannot be read: {detail}");
        return Finding::fail(what, seen, "make it readable; a gateway alone does without");
    }
    match asked(provider).await {
        Ok(seen) => seen.of(what, provider),
        Err(error) => {
            let seen = format!("{}: {}", provider.base_url, told(&error.without_url()));
            let advice = "start it, or correct base_url; its jobs wait meanwhile";
            Finding::fail(what, seen, advice)
        }
    }
}

/// What a provider answered.
enum Seen {
    /// It has the model.
    There,
    /// It answers, and does not say which models it has.
    Mute(StatusCode),
    /// It does not know the key.
    NoEntry(StatusCode),
    /// It has other models.
    Absent(Vec<String>),
    /// It fails.
    Broken(StatusCode),
}

impl Seen {
    fn of(self, what: String, provider: &Provider) -> Finding {
        let (url, model) = (&provider.base_url, &provider.model);
        match self {
            Self::There => Finding::ok(what, format!("{model} at {url}")),
            Self::Mute(status) => {
                let seen = format!("{url} answers, and does not tell its models ({status})");
                Finding::warn(what, seen, format!("ask a question with it, to see if {model} is"))
            }
            Self::NoEntry(status) => {
                let seen = format!("{url} refuses the key ({status})");
                let advice = match provider.api_key {
                    Key::None => "give it one with api_key_file or api_key_env",
                    Key::Known(_) | Key::Unreadable(_) => "correct the key, or the rights it has",
                };
                Finding::fail(what, seen, advice)
            }
            Self::Absent(others) => {
                let some = others.iter().take(5).map(String::as_str).collect::<Vec<_>>();
                let seen = format!("{url} has no model {model:?}");
                let advice = match some.is_empty() {
                    true => "correct model".to_owned(),
                    false => format!("correct model; it has {}", some.join(", ")),
                };
                Finding::fail(what, seen, advice)
            }
            Self::Broken(status) => {
                let seen = format!("{url} fails ({status})");
                Finding::fail(what, seen, "see its own log; its jobs wait meanwhile")
            }
        }
    }
}

async fn asked(provider: &Provider) -> Result<Seen, reqwest::Error> {
    let client = Client::builder()
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX)
        .redirect(redirect::Policy::none())
        .build()?;
    let answer = request(&client, provider).send().await?;
    let status = answer.status();
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
        return Ok(Seen::NoEntry(status));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Ok(Seen::Broken(status));
    }
    match provider.kind {
        ProviderKind::Anthropic if status == StatusCode::NOT_FOUND => Ok(Seen::Absent(Vec::new())),
        ProviderKind::Anthropic if status.is_success() => Ok(Seen::There),
        ProviderKind::Anthropic => Ok(Seen::Mute(status)),
        ProviderKind::OpenAi if !status.is_success() => Ok(Seen::Mute(status)),
        ProviderKind::OpenAi => Ok(listed(provider, status, &body(answer).await?)),
    }
}

fn request(client: &Client, provider: &Provider) -> RequestBuilder {
    let base = provider.base_url.as_str().trim_end_matches('/');
    let key = provider.api_key.secret().map(crate::config::Secret::expose);
    match provider.kind {
        ProviderKind::OpenAi => {
            let request = client.get(format!("{base}/models"));
            key.into_iter().fold(request, RequestBuilder::bearer_auth)
        }
        ProviderKind::Anthropic => {
            let base = base.strip_suffix("/v1").unwrap_or(base);
            let request = client.get(format!("{base}/v1/models/{}", provider.model));
            let request = request.header("anthropic-version", "2023-06-01");
            key.into_iter().fold(request, |request, key| request.header("x-api-key", key))
        }
    }
}

/// As much of a body as is read.
async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LIST_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

fn listed(provider: &Provider, status: StatusCode, body: &[u8]) -> Seen {
    let Ok(List { data }) = serde_json::from_slice(body) else { return Seen::Mute(status) };
    // Ollama lists `llama3.2:latest` and takes `llama3.2`.
    let is_it = |listed: &Listed| {
        listed.id == provider.model || listed.id.strip_suffix(":latest") == Some(&provider.model)
    };
    if data.iter().any(is_it) {
        return Seen::There;
    }
    Seen::Absent(data.into_iter().map(|listed| listed.id).collect())
}
