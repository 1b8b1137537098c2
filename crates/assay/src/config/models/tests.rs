use std::env::VarError;
use std::time::Duration;

use super::super::{Config, ConfigError, Needs};
use super::{DefaultModel, Key, Provider, ProviderKind};

const LOCAL: &str = "
[models.local]
kind = \"openai\"
base_url = \"http://127.0.0.1:11434/v1\"
model = \"llama3.2\"
first_token_timeout_s = 90
concurrency = 2
fallback = [\"extractive\"]

[models.other]
kind = \"anthropic\"
base_url = \"http://127.0.0.1:1\"
model = \"claude\"
api_key_env = \"OTHER_KEY\"
input_usd_per_million = 3
output_usd_per_million = 0.6
";

fn read(file: &str, variables: &[(&str, &str)], needs: Needs) -> Result<Config, Vec<ConfigError>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("assay.toml");
    std::fs::write(&path, file).unwrap();
    let variable = |name: &str| {
        let found = variables.iter().chain([&("HOME", "/h")]).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
    };
    Config::read(Some(path), variable, &[], needs)
}

fn told(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn models_are_tables_of_the_file_and_one_of_them_the_default() {
    let variables = [("ASSAY_MODEL", "other"), ("OTHER_KEY", "s3cret")];
    let config = read(LOCAL, &variables, Needs::Keys).unwrap();
    assert_eq!(config.models.default, DefaultModel::Provider("other".to_owned()));
    let [local, other] = &config.models.providers[..] else { panic!("two: {config:?}") };
    assert_eq!((local.kind, local.concurrency), (ProviderKind::OpenAi, 2));
    assert_eq!(local.first_token_timeout, Some(Duration::from_secs(90)));
    assert_eq!((&local.api_key, local.fallback.len()), (&Key::None, 1));
    assert_eq!(other.api_key.secret().unwrap().expose(), "s3cret");
    assert_eq!((other.input_usd_per_million, other.output_usd_per_million), (3.0, 0.6));
    let shown: Vec<&str> = config.shown().iter().map(|shown| shown.key.as_str()).collect();
    assert!(shown.contains(&"models.local.base_url"), "{shown:?}");
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn everything_that_is_wrong_with_models_is_told_at_once_and_no_key() {
    let file = "
[models.a]
kind = \"openal\"
api_key = \"s3cret\"
idle_timeout_s = 0
idle_timeout = 3
fallback = [\"a\", \"nobody\"]
input_usd_per_million = -1

[models.b]
kind = \"openai\"
model = \"m\"
base_url = \"http://127.0.0.1:1\"
api_key_file = \"/nowhere/key\"
fallback = [\"b\", \"nobody\"]

[models.extractive]
kind = \"openai\"
";
    let errors = read(file, &[("ASSAY_MODEL", "c")], Needs::Keys).unwrap_err();
    let said = told(&errors);
    for part in [
        "models.a.kind: must be openai or anthropic",
        "models.a.model: is not set",
        "models.a.api_key: a key does not belong into this file",
        "models.a.idle_timeout_s: must be a whole number from 1",
        "models.a.idle_timeout: is no setting of it",
        "models.a.input_usd_per_million: must be an amount",
        "models.b.api_key_file: /nowhere/key: ",
        "models.b.fallback: names b twice, or itself",
        "models.b.fallback: names nobody, which is no model here",
        "models.extractive: is the name of a built-in model",
        "ASSAY_MODEL: must be extractive, openai",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_gateway_does_without_the_keys() {
    let refused = read(LOCAL, &[], Needs::Keys).unwrap_err();
    assert_eq!(told(&refused), "models.other.api_key_env: the variable OTHER_KEY is not set");
    let config = read(LOCAL, &[], Needs::NoKeys).unwrap();
    assert!(matches!(config.models.providers[1].api_key, Key::Unreadable(_)));
}

#[test]
fn three_settings_describe_a_model_where_there_is_no_file() {
    let variables = [
        ("ASSAY_MODEL", "openai"),
        ("ASSAY_MODEL_NAME", "llama3.2"),
        ("ASSAY_MODEL_BASE_URL", "http://127.0.0.1:11434/v1"),
        ("OPENAI_API_KEY", "for-openai-alone"),
    ];
    let config = read("", &variables, Needs::Keys).unwrap();
    let [Provider { name, model, api_key, .. }] = &config.models.providers[..] else {
        panic!("one: {config:?}")
    };
    assert_eq!((name.as_str(), model.as_str()), ("openai", "llama3.2"));
    assert_eq!(api_key, &Key::None, "a key goes nowhere but where it belongs");
    let errors = read("", &variables[..1], Needs::Keys).unwrap_err();
    assert!(told(&errors).contains("ASSAY_MODEL_NAME: is not set"), "{}", told(&errors));
}

#[test]
#[cfg(feature = "https")]
fn the_providers_own_address_takes_the_key_from_where_it_usually_is() {
    for (kind, variable) in [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")] {
        let variables = [("ASSAY_MODEL", kind), ("ASSAY_MODEL_NAME", "m"), (variable, "s3cret")];
        let config = read("", &variables, Needs::Keys).unwrap();
        let provider = &config.models.providers[0];
        assert_eq!(provider.base_url.scheme(), "https");
        assert_eq!(provider.api_key.secret().unwrap().expose(), "s3cret");
        let refused = read("", &variables[..2], Needs::Keys).unwrap_err();
        assert!(told(&refused).contains(&format!("set {variable}")), "{}", told(&refused));
    }
}
