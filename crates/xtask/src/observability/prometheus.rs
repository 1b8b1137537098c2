//! What Prometheus and Grafana are told, as far as it is used: a field that is not here is refused.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use std::collections::BTreeMap;

use serde::Deserialize;

/// Whom Prometheus asks.
pub(super) const PROMETHEUS: &str = "deploy/observability/prometheus.yaml";
/// Whom Grafana asks.
pub(super) const SOURCES: &str = "deploy/observability/grafana/datasources.yaml";
/// What Grafana shows.
pub(super) const DASHBOARDS: &str = "deploy/observability/grafana/dashboards.yaml";

/// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prometheus {
    global: Global,
    rule_files: Vec<String>,
    scrape_configs: Vec<Scrape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Global {
    scrape_interval: String,
    scrape_timeout: String,
    evaluation_interval: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scrape {
    job_name: String,
    sample_limit: Option<u32>,
    static_configs: Vec<Targets>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    targets: Vec<String>,
    labels: BTreeMap<String, String>,
}

impl Prometheus {
    pub(super) fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.rule_files != ["alerts.yaml"] {
            found.push(format!("{PROMETHEUS}: its rules are {:?}", self.rule_files));
        }
        let groups = self.scrape_configs.iter().flat_map(|job| &job.static_configs);
        for Targets { targets, labels } in groups {
            let names: Vec<&str> = labels.keys().map(String::as_str).collect();
            if names != ["component", "namespace"] {
                found.push(format!("{PROMETHEUS}: {targets:?} have the labels {names:?}"));
            }
        }
        if !self.scrape_configs.iter().any(|job| job.job_name == "assay") {
            found.push(format!("{PROMETHEUS}: no job is called assay"));
        }
        found
    }
}

/// <https://grafana.com/docs/grafana/latest/administration/provisioning/#data-sources>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sources {
    api_version: u8,
    datasources: Vec<Source>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Source {
    name: String,
    r#type: SourceType,
    access: Access,
    url: String,
    #[serde(default)]
    is_default: bool,
    editable: bool,
    json_data: Option<SourceData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SourceType {
    Prometheus,
    Jaeger,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    Proxy,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SourceData {
    http_method: String,
    time_interval: String,
}

/// <https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Dashboards {
    api_version: u8,
    providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provider {
    name: String,
    r#type: ProviderType,
    allow_ui_updates: bool,
    disable_deletion: bool,
    update_interval_seconds: u32,
    options: ProviderOptions,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProviderType {
    File,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderOptions {
    path: String,
}
