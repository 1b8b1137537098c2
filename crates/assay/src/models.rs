//! Which models answer, and where their passages come from.

use std::path::Path;
use std::sync::Arc;

use adapter_models::{
    AnthropicModel, ApiKey, ExtractiveModel, Fallback, Guarded, OpenAiModel, Prices,
    ProviderSettings, ScriptedModel, ScriptedRetriever,
};
use adapter_retrieval::PassageIndex;
use anyhow::Context as _;
use engine::ports::{Corpus, LanguageModel, Retriever};

use crate::config::{DefaultModel, Models, Provider, ProviderKind};

/// What requests may call a model, the default first. A gateway needs no more than that.
pub(crate) fn names(models: &Models) -> Vec<String> {
    let providers = models.providers.iter().map(|provider| provider.name.clone());
    match &models.default {
        DefaultModel::Extractive => built_in("extractive").chain(providers).collect(),
        DefaultModel::Scripted { .. } => built_in("scripted").chain(providers).collect(),
        DefaultModel::Provider(name) => {
            let others = providers.filter(|other| other != name);
            built_in(name).chain(others).chain(built_in("extractive")).collect()
        }
    }
}

fn built_in(name: &str) -> impl Iterator<Item = String> {
    std::iter::once(name.to_owned())
}

/// What finds the passages.
pub(crate) fn retriever(
    models: &Models,
    index: &Path,
    corpus: &Arc<dyn Corpus>,
) -> Arc<dyn Retriever> {
    match &models.default {
        DefaultModel::Extractive | DefaultModel::Provider(_) => {
            Arc::new(PassageIndex::new(Arc::clone(corpus), index))
        }
        DefaultModel::Scripted { latency, ledger } => {
            let scripted = ScriptedRetriever::new(*latency, ledger.clone());
            Arc::new(scripted.over(Arc::clone(corpus)))
        }
    }
}

/// The models themselves, in the order of [`names`]. Each provider has one circuit and one limit,
/// by whatever name it is reached.
///
/// # Errors
/// If a client of a provider cannot be made.
pub(crate) fn models(models: &Models) -> anyhow::Result<Vec<Arc<dyn LanguageModel>>> {
    let guarded: Vec<Arc<dyn LanguageModel>> =
        models.providers.iter().map(guarded).collect::<anyhow::Result<_>>()?;
    let built_in: Arc<dyn LanguageModel> = match &models.default {
        DefaultModel::Extractive | DefaultModel::Provider(_) => Arc::new(ExtractiveModel),
        DefaultModel::Scripted { latency, ledger } => {
            Arc::new(ScriptedModel::new(*latency, ledger.clone()))
        }
    };
    let alone = || guarded.iter().chain([&built_in]);
    let find = |name: &String| alone().find(|model| model.name() == name).cloned();
    let chained = models.providers.iter().filter_map(|provider| {
        let first = find(&provider.name)?;
        let others: Vec<_> = provider.fallback.iter().filter_map(find).collect();
        Some(if others.is_empty() { first } else { Arc::new(Fallback::new(first, others)) })
    });
    let mut all: Vec<Arc<dyn LanguageModel>> = chained.chain([Arc::clone(&built_in)]).collect();
    let names = names(models);
    all.sort_by_key(|model| names.iter().position(|name| name == model.name()));
    Ok(all)
}

fn guarded(provider: &Provider) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let calls_max = provider.concurrency as usize;
    let settings = settings(provider).with_context(|| format!("model {}", provider.name))?;
    Ok(match provider.kind {
        ProviderKind::OpenAi => {
            Arc::new(Guarded::new(OpenAiModel::new(settings)?, calls_max, rand::random))
        }
        ProviderKind::Anthropic => {
            Arc::new(Guarded::new(AnthropicModel::new(settings)?, calls_max, rand::random))
        }
    })
}

fn settings(provider: &Provider) -> anyhow::Result<ProviderSettings> {
    let usual = ProviderSettings::new(&provider.name, provider.base_url.as_str(), &provider.model);
    let key = provider.api_key.secret().map(|key| ApiKey::new(key.expose()));
    #[expect(clippy::cast_possible_truncation, reason = "a temperature has one digit or two")]
    let temperature = provider.temperature.map(|temperature| temperature as f32);
    Ok(ProviderSettings {
        api_key: key.transpose()?,
        connect_timeout: provider.connect_timeout.unwrap_or(usual.connect_timeout),
        first_token_timeout: provider.first_token_timeout.unwrap_or(usual.first_token_timeout),
        idle_timeout: provider.idle_timeout.unwrap_or(usual.idle_timeout),
        max_output_tokens: provider.max_output_tokens.unwrap_or(usual.max_output_tokens),
        temperature,
        prices: Prices {
            input_usd: provider.input_usd_per_million,
            output_usd: provider.output_usd_per_million,
        },
        ..usual
    })
}
