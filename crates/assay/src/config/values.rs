//! Single settings as values: each is read, and what is wrong with it noted.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use telemetry::Exporting;

use super::exporting;
use super::layers::Layers;
use super::models::{self, DefaultModel, Keys, Models, Provider};
use super::settings::{
    MODEL, MODEL_API_KEY_FILE, MODEL_BASE_URL, MODEL_NAME, OTLP_ENDPOINT, OTLP_HEADERS,
    OTLP_PROTOCOL, SCRIPTED_LATENCY_MS, SCRIPTED_LEDGER, Setting, TRACE_RATIO,
};
use super::{ConfigError, Shown};

/// The values that were set, and what is wrong with them so far.
pub(super) struct Values {
    pub(super) layers: Layers,
    pub(super) errors: Vec<ConfigError>,
}

impl Values {
    /// The value of a setting that may be left out; `None` also if it is wrong.
    pub(super) fn optional<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (text, _) = self.layers.get(setting)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.errors.push(ConfigError::new(self.layers.name(setting), detail));
                None
            }
        }
    }

    /// The value of a setting that must be there; `None` with an error.
    pub(super) fn required<T>(
        &mut self,
        setting: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.layers.get(setting).is_none() {
            self.errors.push(ConfigError::new(setting.variable, "is not set, and has no default"));
        }
        self.optional(setting, parse)
    }

    /// Where telemetry is sent. Everything about it is read, also if it is sent nowhere.
    pub(super) fn exporting(&mut self) -> Option<Exporting> {
        let endpoint = self.optional(&OTLP_ENDPOINT, exporting::endpoint);
        let protocol = self.required(&OTLP_PROTOCOL, exporting::protocol);
        let headers = self.optional(&OTLP_HEADERS, exporting::pairs).unwrap_or_default();
        let trace_ratio = self.required(&TRACE_RATIO, exporting::ratio);
        Some(Exporting {
            endpoint: endpoint?,
            protocol: protocol?,
            headers,
            trace_ratio: trace_ratio?,
        })
    }

    /// The models: those of the file's tables, and the one that settings alone describe.
    pub(super) fn models(&mut self, keys: &Keys<'_>, shown: &mut Vec<Shown>) -> Option<Models> {
        let latency_ms = self.required(&SCRIPTED_LATENCY_MS, within(0..=u32::MAX));
        let ledger = self.optional(&SCRIPTED_LEDGER, |text| Ok(PathBuf::from(text)));
        let tables = self.layers.take_tables("models", &mut self.errors);
        let (mut providers, fields) = models::of_tables(tables, keys, &mut self.errors);
        shown.extend(fields.into_iter().map(Shown::in_file));
        let name = self.required(&MODEL, |text| Ok(text.to_owned()))?;
        let is_known = providers.iter().any(|provider| provider.name == name);
        let default = match name.as_str() {
            "extractive" => DefaultModel::Extractive,
            "scripted" => {
                let latency = Duration::from_millis(latency_ms?.into());
                DefaultModel::Scripted { latency, ledger }
            }
            _ if is_known => DefaultModel::Provider(name),
            "openai" | "anthropic" => {
                providers.push(self.described_model(&name, keys)?);
                DefaultModel::Provider(name)
            }
            _ => {
                let detail = "must be extractive, openai, anthropic, scripted, or a model of the \
                              file's [models.NAME]";
                let detail = format!("{detail}, not {name:?}");
                self.errors.push(ConfigError::new(self.layers.name(&MODEL), detail));
                return None;
            }
        };
        Some(Models { default, providers })
    }

    /// The model that settings alone describe.
    fn described_model(&mut self, kind: &str, keys: &Keys<'_>) -> Option<Provider> {
        let fields = [
            ("model", &MODEL_NAME),
            ("base_url", &MODEL_BASE_URL),
            ("api_key_file", &MODEL_API_KEY_FILE),
        ];
        let described = fields.map(|(field, setting)| models::Described {
            field,
            setting: self.layers.name(setting),
            value: self.layers.get(setting).map(|(value, _)| value.to_owned()),
        });
        models::of_settings(kind, &described, keys, &mut self.errors)
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("must be an IP address with a port, not {text:?}"))
}

pub(super) fn within(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (low, high) = (range.start(), range.end());
        number.ok_or_else(|| format!("must be a whole number from {low} to {high}, not {text:?}"))
    }
}
