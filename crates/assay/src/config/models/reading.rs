//! Reading the models of a configuration, in tables of the file or in settings alone.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use toml::Value;

use super::super::ConfigError;
use super::super::server::{self, Secret};
use super::super::tables::Fields;
use super::{Key, Provider, ProviderKind};

/// Bytes of a key file that are read.
const KEY_FILE_BYTES_MAX: u64 = 8 * 1024;
/// Characters of a model's name in requests.
const NAME_CHARS_MAX: usize = 64;
/// US dollars that a million tokens may cost.
const USD_PER_MILLION_MAX: f64 = 1_000_000.0;
/// Models that may be configured.
const PROVIDERS_MAX: usize = 32;

/// What a key is read with.
pub(in crate::config) struct Keys<'a> {
    /// The environment.
    pub(in crate::config) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the process calls models: only then a key that cannot be read is an error.
    pub(in crate::config) are_needed: bool,
}

/// The models of a file's tables, with what `assay config` shows of them.
pub(in crate::config) fn of_tables(
    tables: toml::Table,
    keys: &Keys<'_>,
    errors: &mut Vec<ConfigError>,
) -> (Vec<Provider>, Vec<(String, String)>) {
    if tables.len() > PROVIDERS_MAX {
        errors.push(ConfigError::new("models", format!("must be at most {PROVIDERS_MAX}")));
    }
    let (mut providers, mut shown) = (Vec::new(), Vec::new());
    for (name, value) in tables.into_iter().take(PROVIDERS_MAX) {
        let table = format!("models.{name}");
        if let Err(detail) = check_name(&name) {
            errors.push(ConfigError::new(table, detail));
            continue;
        }
        let mut fields = Fields::of(table, value, errors);
        providers.extend(provider(name, &mut fields, keys));
        shown.extend(fields.finish());
    }
    check_fallbacks(&providers, errors);
    (providers, shown)
}

/// A field of a model that a setting describes.
pub(in crate::config) struct Described {
    pub(in crate::config) field: &'static str,
    /// What whoever set it calls it.
    pub(in crate::config) setting: String,
    pub(in crate::config) value: Option<String>,
}

/// The model that settings alone describe, as if they were the fields of a table.
pub(in crate::config) fn of_settings(
    kind: &str,
    described: &[Described],
    keys: &Keys<'_>,
    errors: &mut Vec<ConfigError>,
) -> Option<Provider> {
    let set = described.iter().filter_map(|Described { field, value, .. }| {
        Some(((*field).to_owned(), Value::String(value.clone()?)))
    });
    let kind_field = ("kind".to_owned(), Value::String(kind.to_owned()));
    let table = set.chain([kind_field]).collect();
    let mut found = Vec::new();
    let mut fields = Fields::of("models".to_owned(), Value::Table(table), &mut found);
    let provider = provider(kind.to_owned(), &mut fields, keys);
    fields.finish();
    let renamed = found.into_iter().map(|error| {
        let named = described.iter().find(|known| error.is_of("models", known.field));
        match named {
            Some(known) => error.named(&known.setting),
            None => error.named("ASSAY_MODEL"),
        }
    });
    errors.extend(renamed);
    provider
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !is_plain {
        return Err(format!(
            "a model's name has 1 to {NAME_CHARS_MAX} letters, digits, '.', '_' and '-'"
        ));
    }
    if ["extractive", "scripted"].contains(&name) {
        return Err("is the name of a built-in model".to_owned());
    }
    Ok(())
}

fn provider(name: String, fields: &mut Fields<'_>, keys: &Keys<'_>) -> Option<Provider> {
    let kind = fields.text("kind");
    let kind = match kind.as_deref().map(ProviderKind::named) {
        Some(Some(kind)) => Some(kind),
        Some(None) => fields.wrong("kind", "must be openai or anthropic"),
        None => {
            fields.missing("kind", "openai (and whatever speaks like it) or anthropic");
            None
        }
    };
    let model = fields.text("model").filter(|model| !model.trim().is_empty());
    if model.is_none() {
        fields.missing("model", "the provider's name of the model");
    }
    let base_url = fields.parsed("base_url", server::address);
    let is_own = base_url.is_none();
    let base_url = base_url.or_else(|| Url::parse(kind?.base_url()).ok());
    if is_own && !cfg!(feature = "https") && kind.is_some() {
        fields.wrong::<()>("base_url", server::NO_HTTPS);
    }
    let seconds = |fields: &mut Fields<'_>, field: &str| {
        fields.whole(field, 1..=300).map(|seconds| Duration::from_secs(seconds.into()))
    };
    let price = |fields: &mut Fields<'_>, field: &str| {
        fields.amount(field, USD_PER_MILLION_MAX).unwrap_or(0.0)
    };
    let own_variable = kind.filter(|_| is_own).map(ProviderKind::key_variable);
    let provider = Provider {
        name,
        kind: kind.unwrap_or(ProviderKind::OpenAi),
        api_key: api_key(fields, own_variable, keys),
        connect_timeout: seconds(fields, "connect_timeout_s"),
        first_token_timeout: seconds(fields, "first_token_timeout_s"),
        idle_timeout: seconds(fields, "idle_timeout_s"),
        concurrency: fields.whole("concurrency", 1..=1_000).unwrap_or(8),
        max_output_tokens: fields.whole("max_output_tokens", 1..=1_000_000),
        temperature: fields.amount("temperature", 2.0),
        input_usd_per_million: price(fields, "input_usd_per_million"),
        output_usd_per_million: price(fields, "output_usd_per_million"),
        fallback: fields.texts("fallback"),
        base_url: base_url?,
        model: model?,
    };
    kind.map(|_| provider)
}

/// The key, from a file or the environment. A provider of one's own may need none.
fn api_key(fields: &mut Fields<'_>, own_variable: Option<&'static str>, keys: &Keys<'_>) -> Key {
    let advice = "a key does not belong into this file: name a file with api_key_file, or a \
                  variable with api_key_env";
    fields.never("api_key", advice);
    let (file, variable) = (fields.text("api_key_file"), fields.text("api_key_env"));
    let (field, found) = match (file, variable) {
        (Some(_), Some(_)) => ("api_key_file", Err("or api_key_env, not both".to_owned())),
        (Some(file), None) => ("api_key_file", of_file(Path::new(&file))),
        (None, Some(variable)) => {
            let text = (keys.variable)(&variable).filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| format!("the variable {variable} is not set"));
            ("api_key_env", text.and_then(|text| Secret::api_key(&text)))
        }
        (None, None) => {
            let Some(variable) = own_variable else { return Key::None };
            let advice = format!("set {variable}, or name a file with api_key_file");
            let text = (keys.variable)(variable).filter(|text| !text.is_empty());
            ("api_key", text.ok_or(advice).and_then(|text| Secret::api_key(&text)))
        }
    };
    match found {
        Ok(key) => Key::Known(key),
        Err(detail) => {
            if keys.are_needed {
                fields.wrong::<()>(field, &detail);
            }
            Key::Unreadable(detail)
        }
    }
}

fn of_file(file: &Path) -> Result<Secret, String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    Secret::api_key(&text).map_err(|detail| format!("{}: {detail}", file.display()))
}

/// A fall-back names another model, and that has none of its own: who answers is told in one place.
fn check_fallbacks(providers: &[Provider], errors: &mut Vec<ConfigError>) {
    let known = |name: &str| providers.iter().find(|provider| provider.name == name);
    for provider in providers {
        let mut named = BTreeSet::from([provider.name.as_str()]);
        for name in &provider.fallback {
            let detail = match known(name) {
                _ if !named.insert(name) => format!("names {name} twice, or itself"),
                None if name == "extractive" => continue,
                None => format!("names {name}, which is no model here"),
                Some(_) => continue,
            };
            errors.push(ConfigError::new(format!("models.{}.fallback", provider.name), detail));
        }
    }
}
