//! The Prometheus Operator's PodMonitor, as far as it is used. A field that is not here is refused;
//! one that is newly used is added here, from the operator's own reference
//! (<https://prometheus-operator.dev/docs/api-reference/api/>). What a PrometheusRule has is read as
//! a file of rules is.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use serde::Deserialize;

use super::document::Map;

/// The group that the objects are of.
pub(super) const GROUP: &str = "monitoring.coreos.com/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PodMonitor {
    selector: LabelSelector,
    job_label: Option<String>,
    sample_limit: Option<u32>,
    pub(super) pod_metrics_endpoints: Vec<Endpoint>,
}

/// The rules about it read a selector of their own, which is not strict.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LabelSelector {
    match_labels: Option<Map>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Deserialize)]
enum Operator {
    In,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Endpoint {
    pub(super) port: String,
    pub(super) path: String,
    interval: String,
    scrape_timeout: String,
    relabelings: Vec<Relabeling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Relabeling {
    source_labels: Vec<String>,
    target_label: String,
}
